"""What ``emit=[...]`` takes beside plain events and tasks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from trunkline.contracts.message import Event, Message, Task, message_type
from trunkline.errors import DeclarationError, DelayTooLong

MAX_DELAY_SECONDS = 900
"""The longest that SQS delays a single message.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-timers.html
"""


@dataclass(frozen=True)
class Emission:
    """One fact or piece of work, and how it is to be sent."""

    messages: tuple[Message, ...]
    """Several where a fact is told in several versions: they share one id."""
    delay: int = 0
    """Seconds from the moment it is stored until a task may be performed."""


Emittable: TypeAlias = Message | Emission


def one_fact(*versions: Event) -> Emission:
    """One fact in several versions of its event, for as long as some subscribers need the old one.

    They share one id, so that a subscriber of either or both takes them for the one fact they are.

    ::

        orders.put(order, emit=[one_fact(OrderPlacedV1(...), OrderPlaced(...))])

    Raises:
        DeclarationError: they are no versions of one event, or two have the same version.
    """
    kinds = [message_type(version) for version in versions]
    names = ", ".join(kind.wire_name for kind in kinds)
    if len({(kind.service, kind.name) for kind in kinds}) != 1:
        raise DeclarationError(f"not versions of one event: {names or 'none given'}")
    if len({kind.version for kind in kinds}) != len(kinds):
        raise DeclarationError(f"one fact has each version once, not {names}")
    return Emission(versions)


def delayed(task: Task, *, seconds: int) -> Emission:
    """A task that is performed some time after it was asked for.

    ::

        orders.put(order, emit=[delayed(CancelUnpaid(order_id=order.order_id), seconds=600)])

    The time counts from the transaction that asks for it, whatever the relay takes. Only tasks can
    wait: an event is a fact now, and a FIFO queue delays all its messages or none.

    Raises:
        DelayTooLong: it is no time that SQS can wait, from 0 to 900 seconds.
    """
    if not 0 <= seconds <= MAX_DELAY_SECONDS:
        raise DelayTooLong(message_type(task).wire_name, seconds, MAX_DELAY_SECONDS)
    return Emission((task,), seconds)


def emissions(emit: Iterable[Emittable]) -> Iterator[Emission]:
    """Everything as emissions."""
    for one in emit:
        yield one if isinstance(one, Emission) else Emission((one,))


def wire_names(emit: Iterable[Emittable]) -> Iterator[str]:
    """The names on the wire of everything that is emitted."""
    for emission in emissions(emit):
        for message in emission.messages:
            yield message_type(message).wire_name
