"""What a function's process writes, line by line, without waiting for lines that never come."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass

__all__ = ["LogLine", "OutputReader"]

_CHUNK = 65536


@dataclass(frozen=True)
class LogLine:
    """One log event."""

    timestamp_ms: int
    message: str

    @classmethod
    def now(cls, message: str) -> LogLine:
        """A line that is written at this moment."""
        return cls(int(time.time() * 1000), message)


class OutputReader:
    """Reads a process's output on a thread of its own.

    The process ends the output of each invocation with a line of NUL and the request's id, so
    that a caller knows when it has everything.
    """

    def __init__(self, descriptor: int, *, name: str) -> None:
        self._descriptor = descriptor
        self._lines: list[LogLine] = []
        self._marks: set[str] = set()
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True, name=f"output-{name}")
        self._thread.start()

    def until(self, mark: str, timeout: float) -> list[LogLine]:
        """Take the lines up to ``mark``; after ``timeout`` seconds, those that there are."""
        with self._changed:
            self._changed.wait_for(lambda: mark in self._marks or self._ended, timeout)
            self._marks.discard(mark)
            return self._take()

    def rest(self, timeout: float) -> list[LogLine]:
        """Take the lines up to the end of the process's output."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended, timeout)
            return self._take()

    def close(self) -> None:
        """Wait for the end of the output of a process that has ended."""
        self._thread.join(timeout=1)

    def _take(self) -> list[LogLine]:
        lines, self._lines = self._lines, []
        return lines

    def _read(self) -> None:
        pending = b""
        with os.fdopen(self._descriptor, "rb", buffering=0) as stream:
            while chunk := stream.read(_CHUNK):
                *whole, pending = (pending + chunk).split(b"\n")
                self._add(whole)
        self._add([pending] if pending else [])
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _add(self, lines: list[bytes]) -> None:
        with self._changed:
            for line in lines:
                text = line.decode("utf-8", "replace")
                if text.startswith("\0"):
                    self._marks.add(text[1:])
                else:
                    self._lines.append(LogLine.now(text.replace("\r", "\n").rstrip("\n")))
            self._changed.notify_all()
