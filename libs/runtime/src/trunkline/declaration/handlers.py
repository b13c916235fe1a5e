"""What a service does, one record for each of its handlers."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Protocol, TypeAlias

from trunkline.contracts.api import IDEMPOTENCY_HEADER, Operation
from trunkline.contracts.message import Event, Message, Task, message_type
from trunkline.contracts.versions import Version, accepted_versions
from trunkline.declaration.idempotent import Idempotent
from trunkline.errors import DeclarationError
from trunkline.identity import Caller
from trunkline.invocation import Uses
from trunkline.ownership import Ownership
from trunkline.rules import Rule, Verdict, any_service
from trunkline.settings.secret import Secret
from trunkline.types import IdempotencyKey


class Usable(Protocol):
    """Something that a handler's ``uses`` may name beside events and tasks."""

    def granted(self) -> Uses:
        """What a handler that names it may use."""
        ...


Use: TypeAlias = Usable | type[Event] | type[Task]


@dataclass(frozen=True)
class Handler:
    """One function of a service's author, and what it uses."""

    call: Callable[..., Any]
    declared: tuple[Use, ...]

    @property
    def name(self) -> str:
        """The function's name."""
        return self.call.__name__

    @cached_property
    def emits(self) -> tuple[type[Message], ...]:
        """The events and tasks that the handler may emit."""
        return tuple(use for use in self.declared if isinstance(use, type))

    @cached_property
    def uses(self) -> Uses:
        """Everything that the handler may use."""
        granted = [use.granted() for use in self.declared if not isinstance(use, type)]
        return Uses(
            needs=frozenset().union(*(grant.needs for grant in granted)),
            emits=frozenset(message_type(message).wire_name for message in self.emits),
            settings=frozenset().union(*(grant.settings for grant in granted)),
        )

    @cached_property
    def hints(self) -> dict[str, Any]:
        """The types of the function's parameters."""
        return typing.get_type_hints(self.call, include_extras=True)


@dataclass(frozen=True)
class ApiHandler(Handler):
    """Implements one operation."""

    operation: Operation[..., Any]
    idempotency: Idempotent | None
    allow: Rule = any_service
    """Who may call."""

    @property
    def idempotent(self) -> bool:
        """Whether a request with a known key gets the first one's response."""
        return self.idempotency is not None

    @cached_property
    def injected(self) -> dict[str, Any]:
        """The parameters that are not the operation's, and their type: the caller, the key."""
        known = {parameter.name for parameter in self.operation.parameters}
        found: dict[str, Any] = {}
        for name in inspect.signature(self.call).parameters:
            kind = self.hints.get(name)
            if kind is Caller or kind is IdempotencyKey:
                found[name] = kind
            elif name not in known:
                raise DeclarationError(
                    f"handler {self.name!r}: {self.operation} has no parameter {name!r}"
                )
        if IdempotencyKey in found.values() and not self.idempotent:
            raise DeclarationError(
                f"handler {self.name!r} wants the idempotency key: "
                f'say idempotency="{IDEMPOTENCY_HEADER}"'
            )
        return found

    def ownership(self, caller: Caller) -> Ownership | None:
        """What has to be shown of a caller; ``None`` where ``allow`` does not speak of owners."""
        if not self.allow.by_owner:
            return None
        needed = self.allow.judge(caller) is Verdict.IF_OWNED
        return Ownership(self.name, caller, needed=needed)

    @cached_property
    def arguments(self) -> frozenset[str]:
        """The operation's parameters that the handler wants."""
        return frozenset(inspect.signature(self.call).parameters) - frozenset(self.injected)


@dataclass(frozen=True)
class MessageHandler(Handler):
    """Reacts to one event, or performs one task."""

    message: type[Message]
    function: str
    """The name of the Lambda function that it runs in."""
    timeout: int
    """Seconds for a whole batch."""
    max_receives: int
    stale: Literal["process", "ignore"] = "process"
    """What becomes of an event that comes after a newer one about the same record."""

    @cached_property
    def accepted(self) -> dict[str, Version]:
        """By wire name, the message and those older versions of it that can be made into it."""
        return {
            message_type(version.message).wire_name: version
            for version in accepted_versions(self.message)
        }


@dataclass(frozen=True)
class RotationHandler(Handler):
    """Rotates one secret; ``call`` makes the :class:`trunkline.rotation.Rotation`."""

    secret: Secret[Any]
    schedule: str
    """``rate(...)`` or ``cron(...)``."""
    timeout: int
    """Seconds for one step."""

    @property
    def function(self) -> str:
        """The name of the Lambda function that it runs in."""
        return f"rotate-{self.secret.name}"


def checked_rule(handler: str, exposure: Literal["private", "public"], allow: Rule | None) -> Rule:
    """Check who may call a handler.

    Raises:
        DeclarationError: nobody is named, or somebody who can never come this way.
    """
    if exposure == "private":
        rule, comes = any_service if allow is None else allow, "service"
    elif allow is None:
        raise DeclarationError(
            f"handler {handler!r} is for customers: say which, for example allow=signed_in"
        )
    else:
        rule, comes = allow, "customer"
    if rule.kinds != {comes}:
        raise DeclarationError(
            f"handler {handler!r}: only a {comes} can call here, but it allows {rule}"
        )
    if rule.scopes and not rule.by_scope:
        # https://repost.aws/knowledge-center/api-gateway-cognito-401-unauthorized
        raise DeclarationError(
            f"handler {handler!r} allows {rule}: API Gateway takes ID tokens or, where a route has "
            "scopes, access tokens, never both; so either every way in names a scope, or none does"
        )
    return rule


def checked_uses(handler: str, service: str, uses: Iterable[Use]) -> tuple[Use, ...]:
    """Check what a handler names.

    Raises:
        DeclarationError: it is nothing that can be used, or another service's event.
    """
    found = tuple(uses)
    for use in found:
        if isinstance(use, type) and issubclass(use, Event):
            if message_type(use).service != service:
                raise DeclarationError(
                    f"handler {handler!r} cannot emit {message_type(use).wire_name}: "
                    f"it is {message_type(use).service}'s"
                )
        elif isinstance(use, type) and issubclass(use, Task):
            continue
        elif isinstance(use, type) or not hasattr(use, "granted"):
            raise DeclarationError(f"handler {handler!r}: {use!r} cannot be named in `uses`")
    return found
