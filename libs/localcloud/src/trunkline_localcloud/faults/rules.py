"""One rule of the fault injector, as the control API takes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal, cast, get_args

from trunkline_localcloud.errors import InvalidFaultRule

__all__ = ["Effect", "FaultRule", "Moment"]

Moment = Literal["before", "after"]
"""Before a call takes effect, or after it did but before the caller learns of it."""

Effect = Literal["kill", "error", "latency", "deny"]
"""SIGKILL the caller's process; answer with an error; answer late; answer AccessDenied."""

_DEFAULT_STATUS = 500
_DEFAULT_CODE = "InternalServerError"
_KEYS = {
    "id",
    "function",
    "action",
    "resource",
    "when",
    "effect",
    "error",
    "latency_ms",
    "times",
    "hits",
}


@dataclass(frozen=True, kw_only=True)
class FaultRule:
    """Which calls fail, when, and how."""

    id: str
    effect: Effect
    when: Moment = "before"
    function: str | None = None
    """Name of the function that makes the call, or that is invoked; None for every caller."""
    action: str | None = None
    """IAM action, or ``http:METHOD PATH`` at an API; ``*`` matches; None for every call."""
    resource: str | None = None
    """ARN; ``*`` matches; None for every resource."""
    status: int = _DEFAULT_STATUS
    """HTTP status of an error."""
    code: str = _DEFAULT_CODE
    """Code of an error, in the service's terms."""
    latency_ms: int = 0
    times: int | None = None
    """How often it strikes; None for always."""

    @classmethod
    def parse(cls, rule: object) -> FaultRule:
        """Read a rule as the control API takes it.

        Raises:
            InvalidFaultRule: it has no id, an unknown key, or a value that is none of those
                that there are.
        """
        if not isinstance(rule, Mapping) or not isinstance(rule.get("id"), str):
            raise InvalidFaultRule(rule, "a rule is an object with an id")
        if unknown := set(rule) - _KEYS:
            raise InvalidFaultRule(rule, f"unknown: {', '.join(sorted(unknown))}")
        error = rule.get("error") or {}
        return cls(
            id=rule["id"],
            effect=cast("Effect", _one_of(rule, "effect", get_args(Effect))),
            when=cast("Moment", _one_of(rule, "when", get_args(Moment), "before")),
            function=rule.get("function"),
            action=rule.get("action"),
            resource=rule.get("resource"),
            status=int(error.get("status", _DEFAULT_STATUS)),
            code=str(error.get("code", _DEFAULT_CODE)),
            latency_ms=int(rule.get("latency_ms") or 0),
            times=rule.get("times"),
        )

    def as_json(self, hits: int) -> dict[str, Any]:
        """The rule as the control API answers it."""
        return {
            "id": self.id,
            "function": self.function,
            "action": self.action,
            "resource": self.resource,
            "when": self.when,
            "effect": self.effect,
            "error": {"status": self.status, "code": self.code},
            "latency_ms": self.latency_ms,
            "times": self.times,
            "hits": hits,
        }

    def matches(
        self, when: Moment, function: str | None, actions: Iterable[tuple[str, str]]
    ) -> bool:
        """Whether the rule is about a call.

        Args:
            when: The moment that the call is at.
            function: The function that makes it, if one does.
            actions: What the call does and to what: IAM actions with ARNs.
        """
        if self.when != when or (self.function is not None and self.function != function):
            return False
        return any(
            (self.action is None or fnmatchcase(action, self.action))
            and (self.resource is None or fnmatchcase(resource, self.resource))
            for action, resource in actions
        )


def _one_of(
    rule: Mapping[str, Any], key: str, values: tuple[str, ...], default: str | None = None
) -> str:
    value = rule.get(key, default)
    if value not in values:
        raise InvalidFaultRule(rule, f"{key} is one of {', '.join(values)}")
    return str(value)
