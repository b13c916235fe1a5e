"""IAM policy documents as data."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

__all__ = ["Conditions", "Statement", "document", "require_tls"]

Conditions = Mapping[str, Mapping[str, str | Sequence[str]]]
"""Operator, key, values: ``{"StringEquals": {"aws:SourceAccount": "000000000000"}}``."""

_NONE: Conditions = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One statement of a policy."""

    sid: str
    """What it is for, letters and digits only; statements of one sid in one policy are merged."""

    actions: tuple[str, ...]
    resources: tuple[str, ...] = ()
    """ARNs; tokens are welcome. Empty for a trust policy, where AWS allows none."""

    effect: Literal["Allow", "Deny"] = "Allow"
    principal: Mapping[str, str | tuple[str, ...]] | Literal["*"] | None = None
    """Whom a resource policy is about; ``None`` in a role's own policy."""

    conditions: Conditions = field(default_factory=lambda: _NONE)

    def merged(self, other: Statement) -> Statement:
        """This statement with the actions and resources of another of the same sid.

        Raises:
            ValueError: the two differ in more than that, so merging would change their meaning.
        """
        same = (self.sid, self.effect, self.principal, self.conditions)
        if same != (other.sid, other.effect, other.principal, other.conditions):
            raise ValueError(f"two different statements are called {self.sid!r}")
        if self.actions != other.actions and self.resources != other.resources:
            raise ValueError(f"merging {self.sid!r} would allow actions on resources unasked")
        return Statement(
            sid=self.sid,
            actions=_union(self.actions, other.actions),
            resources=_union(self.resources, other.resources),
            effect=self.effect,
            principal=self.principal,
            conditions=self.conditions,
        )

    def as_json(self) -> dict[str, Any]:
        """The statement in IAM's own form."""
        content: dict[str, Any] = {"Sid": self.sid, "Effect": self.effect}
        if self.principal == "*":
            content["Principal"] = "*"
        elif self.principal is not None:
            content["Principal"] = {kind: _one(who) for kind, who in self.principal.items()}
        content["Action"] = _one(self.actions)
        if self.resources:
            content["Resource"] = _one(self.resources)
        if self.conditions:
            content["Condition"] = {
                operator: {key: _one(values) for key, values in keys.items()}
                for operator, keys in self.conditions.items()
            }
        return content


def document(statements: Iterable[Statement]) -> str:
    """The policy document of some statements, the same bytes for the same statements."""
    merged: dict[str, Statement] = {}
    for statement in statements:
        known = merged.get(statement.sid)
        merged[statement.sid] = known.merged(statement) if known else statement
    content = [merged[sid].as_json() for sid in sorted(merged)]
    return json.dumps({"Version": "2012-10-17", "Statement": content}, sort_keys=True)


def require_tls(actions: tuple[str, ...], *resources: str) -> Statement:
    """Refuse everybody who comes without TLS.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
    """
    return Statement(
        sid="RequireTls",
        effect="Deny",
        principal="*",
        actions=actions,
        resources=resources,
        conditions={"Bool": {"aws:SecureTransport": "false"}},
    )


def _union(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))


def _one(values: str | Sequence[str]) -> str | list[str]:
    """IAM writes a single value without a list, and drift appears where that is not followed."""
    if isinstance(values, str):
        return values
    return values[0] if len(values) == 1 else list(values)
