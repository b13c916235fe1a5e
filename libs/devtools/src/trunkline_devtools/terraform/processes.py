"""Running a process whose output is read line by line, so that Ctrl-C ends it properly."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Ended", "RunningProcesses", "run_lines"]

_GRACE_SECONDS = 60.0


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    exit_code: int
    stderr: str


class RunningProcesses:
    """The processes that this program's threads wait for, so that they can all be ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._stopping = False

    def add(self, process: subprocess.Popen[str]) -> None:
        """Remember a process; one that starts while all are being stopped is stopped too."""
        with self._lock:
            self._running.add(process)
            stop = self._stopping
        if stop:
            process.send_signal(signal.SIGINT)

    def discard(self, process: subprocess.Popen[str]) -> None:
        """Forget a process that has ended."""
        with self._lock:
            self._running.discard(process)

    def stop(self) -> None:
        """Interrupt every process as Ctrl-C would: Terraform then saves its state."""
        with self._lock:
            self._stopping = True
            running = list(self._running)
        for process in running:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        for process in running:
            try:
                process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


RUNNING = RunningProcesses()
"""The one register of this program."""


def run_lines(
    command: Sequence[str], environment: Mapping[str, str], on_line: Callable[[str], None]
) -> Ended:
    """Run a command and hand on each line of its output.

    The process gets a group of its own: a Ctrl-C at the terminal reaches only this program, which
    interrupts each child once. (Terraform gives up without saving when it is interrupted twice.)
    """
    stderr: list[str] = []
    with subprocess.Popen(
        list(command), env=dict(environment), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        RUNNING.add(process)
        reader = threading.Thread(target=_drain, args=(process.stderr, stderr), daemon=True)
        reader.start()
        try:
            for line in process.stdout or ():
                on_line(line)
            exit_code = process.wait()
            reader.join()
        except BaseException:
            process.send_signal(signal.SIGINT)
            process.wait()
            raise
        finally:
            RUNNING.discard(process)
    return Ended(exit_code, "".join(stderr))


def _drain(stream: Iterable[str] | None, lines: list[str]) -> None:
    lines.extend(stream or ())
