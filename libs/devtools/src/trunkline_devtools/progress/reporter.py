"""What a command tells the person while it works."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

__all__ = ["PhaseTime", "Reporter"]

_PIPE_WIDTH = 240


@dataclass(frozen=True)
class PhaseTime:
    """How long a phase took."""

    name: str
    seconds: float


class Reporter:
    """Lines, phases and their times, on one console. Safe to use from threads."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._phases: list[PhaseTime] = []

    @classmethod
    def for_person(cls, *, json: bool = False) -> Reporter:
        """A reporter on standard output, or on standard error when that is kept for JSON."""
        console = Console(stderr=json, highlight=False, soft_wrap=True)
        if not console.is_terminal:
            # Nobody's screen ends at 80 columns: what reads a pipe wants whole lines.
            console.width = _PIPE_WIDTH
        return cls(console)

    def say(self, text: str, *, style: str = "") -> None:
        """Print a line as it is."""
        self.console.print(text, style=style, markup=False)

    def show(self, table: Table) -> None:
        """Print a table."""
        self.console.print(table)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure what happens inside; phases may overlap."""
        start = time.monotonic()
        yield
        seconds = time.monotonic() - start
        with self._lock:
            self._phases.append(PhaseTime(name, seconds))
        self.say(f"✓ {name} ({seconds:.1f} s)", style="green")

    @property
    def phases(self) -> tuple[PhaseTime, ...]:
        """The phases that have ended, in the order of their ends."""
        return tuple(self._phases)

    @property
    def elapsed(self) -> float:
        """Seconds since the reporter was made."""
        return time.monotonic() - self._started
