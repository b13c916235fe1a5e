"""Live progress of Terraform on many roots at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from rich.live import Live
from rich.table import Table

from trunkline_devtools.progress.reporter import Reporter
from trunkline_devtools.terraform import Event, PlannedChange, ResourceEvent

__all__ = ["UNCHANGED", "RootsProgress"]

UNCHANGED = "unchanged"
"""What is said of a root that nothing had to be done for."""

_FAILED = "failed"
_SHOWN_ADDRESSES = 2


@dataclass
class _State:
    status: str = "waiting"
    planned: int = 0
    done: int = 0
    busy: dict[str, None] = field(default_factory=dict)
    started: float | None = None
    seconds: float = 0.0


class RootsProgress:
    """Shows what is being created in each root: a live table on a terminal, else a line per root.

    Use it as a context manager around the work; its methods may be called from threads.
    """

    def __init__(self, reporter: Reporter, roots: Iterable[str]) -> None:
        self._reporter = reporter
        self._states = {root: _State() for root in roots}
        self._lock = threading.Lock()
        self._live = (
            Live(get_renderable=self._table, console=reporter.console, refresh_per_second=4)
            if reporter.console.is_terminal
            else None
        )

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.stop()

    @contextmanager
    def working(self, root: str, doing: str) -> Iterator[None]:
        """Something is done on a root inside; a failure shows at once, before others have ended."""
        self.begin(root, doing)
        try:
            yield
        except BaseException:
            self.end(root, _FAILED)
            raise

    def begin(self, root: str, doing: str) -> None:
        """Something begins on a root.

        Args:
            root: Its name.
            doing: What, for example ``applying``.
        """
        with self._lock:
            state = self._states[root]
            state.status = doing
            state.started = state.started or time.monotonic()

    def event(self, root: str, event: Event) -> None:
        """Terraform says something about a root."""
        with self._lock:
            state = self._states[root]
            if isinstance(event, PlannedChange):
                state.planned += 1
            elif isinstance(event, ResourceEvent):
                if event.phase == "start":
                    state.busy[event.address] = None
                elif event.phase in {"complete", "errored"}:
                    state.busy.pop(event.address, None)
                    state.done += 1

    def end(self, root: str, what: str) -> None:
        """Work on a root has ended.

        Args:
            root: Its name.
            what: What came of it, for example ``41 created``.
        """
        with self._lock:
            state = self._states[root]
            state.status = what
            state.seconds = time.monotonic() - (state.started or time.monotonic())
            state.started = None
            state.busy.clear()
        if not self._live and what != UNCHANGED:
            self._reporter.say(f"  {root}: {what} ({state.seconds:.1f} s)")

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        with self._lock:
            for root, state in self._states.items():
                seconds = (
                    time.monotonic() - state.started if state.started is not None else state.seconds
                )
                busy = list(state.busy)
                detail = ", ".join(busy[:_SHOWN_ADDRESSES])
                if len(busy) > _SHOWN_ADDRESSES:
                    detail += f" and {len(busy) - _SHOWN_ADDRESSES} more"
                count = f"{state.done}/{state.planned}" if state.planned else ""
                clock = f"{seconds:.0f} s" if seconds else ""
                table.add_row(f"  {root}", state.status, count, clock, detail, style=_style(state))
        return table


def _style(state: _State) -> str:
    if state.started is not None:
        return "cyan"
    if state.status == _FAILED:
        return "red"
    return "dim" if state.status == "waiting" else "green"
