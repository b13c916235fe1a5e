"""Versions of one message side by side: how a newer one is made from an older one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from trunkline.contracts.message import Message, message_type
from trunkline.errors import DeclarationError

A = TypeVar("A", bound=Message)
B = TypeVar("B", bound=Message)

_ATTRIBUTE = "__upcast__"


@dataclass(frozen=True)
class Version:
    """One version that a handler accepts, and what turns it into the handler's own."""

    message: type[Message]
    steps: tuple[Callable[[Any], Any], ...] = ()
    """One upcaster after the other; none for the handler's own version."""

    def upcast(self, message: Any) -> Any:
        """The same fact or work in the handler's version."""
        for step in self.steps:
            message = step(message)
        return message


@dataclass(frozen=True)
class _Upcast:
    old: type[Message]
    step: Callable[[Any], Any]


def upcast(old: type[A], *, to: type[B]) -> Callable[[Callable[[A], B]], Callable[[A], B]]:
    """The decorated pure function makes the next version of an event or task from the last one.

    ::

        @upcast(OrderPlacedV1, to=OrderPlaced)
        def with_currency(old: OrderPlacedV1) -> OrderPlaced:
            return OrderPlaced(order_id=old.order_id, total=Money(amount=old.cents, currency="EUR"))

    It belongs to the contract. Whoever handles the newer version then accepts the older one, too,
    and by a chain of such functions every version before that.

    Args:
        old: some version.
        to: the version right after it.

    Raises:
        DeclarationError: they are no versions of one message, only one of them is ordered, versions
            are left out or go back, or the newer version has an upcaster already.
    """
    before, after = message_type(old), message_type(to)
    if (before.kind, before.service, before.name) != (after.kind, after.service, after.name):
        raise DeclarationError(
            f"{before.wire_name} and {after.wire_name} are no versions of one message"
        )
    if before.ordered != after.ordered:
        raise DeclarationError(
            f"{before.wire_name} and {after.wire_name} go through different topics: "
            "only one of them is ordered"
        )
    if after.version <= before.version:
        raise DeclarationError(
            f"an upcaster goes forward, not from {before.wire_name} to {after.wire_name}"
        )
    if after.version != before.version + 1:
        raise DeclarationError(
            f"an upcaster from {before.wire_name} leads to v{before.version + 1}, "
            f"not to {after.wire_name}: chains have no gaps"
        )

    def register(function: Callable[[A], B]) -> Callable[[A], B]:
        if _ATTRIBUTE in vars(to):
            raise DeclarationError(f"{after.wire_name} has two upcasters; one of them would win")
        setattr(to, _ATTRIBUTE, _Upcast(old, function))
        return function

    return register


def accepted_versions(message: type[Message]) -> tuple[Version, ...]:
    """The versions that a handler of this one accepts, the newest first."""
    found = [Version(message)]
    while True:
        newest = found[-1]
        link: _Upcast | None = vars(newest.message).get(_ATTRIBUTE)
        if link is None:
            return tuple(found)
        found.append(Version(link.old, (link.step, *newest.steps)))
