"""The piece of work being done right now: whose it is, what it may use, when it must end."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from trunkline import clock
from trunkline.errors import UndeclaredUse
from trunkline.manifest.model import CallNeed, Need, SecretNeed, SettingNeed, TableNeed
from trunkline.ownership import Ownership

_FACTS = uuid.UUID("6f0f7a51-7c1e-5b52-9d0b-6d3a0a9b6a11")
"""The namespace of event ids that derive from their cause."""


@dataclass(frozen=True)
class Uses:
    """What a handler said it uses."""

    needs: frozenset[Need] = frozenset()
    emits: frozenset[str] = frozenset()
    """Wire names of events and tasks."""
    settings: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Invocation:
    """One run of one handler: an API call, or one message of a batch."""

    service: str
    function: str
    handler: str
    deadline: float
    """When the work must be done, on :mod:`trunkline.clock`'s stopwatch: Lambda ends the
    invocation, or whoever asked for it gives up."""
    uses: Uses = field(default_factory=Uses)
    cause: str | None = None
    """What this work is done for, the same whenever it is tried again; ``None`` if unknown."""
    ownership: Ownership | None = None
    """What has to be shown of the caller first; ``None`` where it does not matter."""
    degraded: set[str] = field(default_factory=set, repr=False, compare=False)
    """Calls that their fallbacks answered: ``service.operation``."""
    _facts: Iterator[int] = field(default_factory=itertools.count, repr=False, compare=False)

    def remaining(self) -> float:
        """Seconds until the deadline; 0 if it is overdue."""
        return max(0.0, self.deadline - clock.monotonic())

    def fact_id(self) -> str:
        """The id of the next event or task that this work emits.

        It derives from the cause, so that work which is tried again after a crash emits the same
        fact under the same id, and its consumers see one fact.
        """
        number = next(self._facts)
        if self.cause is None:
            return str(uuid.uuid4())
        return str(uuid.uuid5(_FACTS, f"{self.service}/{self.handler}/{self.cause}/{number}"))


_current: ContextVar[Invocation | None] = ContextVar("trunkline_invocation", default=None)


def current() -> Invocation | None:
    """The invocation that this code runs in, or ``None`` outside of any, as in a script."""
    return _current.get()


@contextmanager
def running(invocation: Invocation) -> Iterator[Invocation]:
    """Make an invocation the current one."""
    token = _current.set(invocation)
    try:
        yield invocation
    finally:
        _current.reset(token)


def require(need: Need) -> None:
    """Check that the running handler declared a need; outside of handlers everything goes.

    Raises:
        UndeclaredUse: it did not.
        OwnershipUnchecked: the need changes something, and whether the caller owns it is open.
    """
    invocation = current()
    if invocation is None:
        return
    if need not in invocation.uses.needs:
        raise UndeclaredUse(invocation.handler, _text(need))
    if invocation.ownership is not None and not _only_reads(need):
        invocation.ownership.require(f"uses {_text(need)}")


def require_setting(name: str) -> None:
    """Check that the running handler declared a setting.

    Raises:
        UndeclaredUse: it did not.
    """
    invocation = current()
    if invocation is not None and name not in invocation.uses.settings:
        raise UndeclaredUse(invocation.handler, f"setting {name}")


def require_emits(wire_names: Iterable[str]) -> None:
    """Check that the running handler declared what it emits.

    Raises:
        UndeclaredUse: it did not.
    """
    invocation = current()
    if invocation is None:
        return
    for wire_name in wire_names:
        if wire_name not in invocation.uses.emits:
            raise UndeclaredUse(invocation.handler, wire_name)


def _text(need: Need) -> str:
    facts = need.model_dump(exclude={"kind"})
    return " ".join([need.kind, *(str(fact) for fact in facts.values())])


def _only_reads(need: Need) -> bool:
    match need:
        case TableNeed():
            return need.access == "read"
        case CallNeed():
            return need.method == "GET"
        case _:
            return isinstance(need, SecretNeed | SettingNeed)
