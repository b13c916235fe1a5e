"""Every error of the local cloud.

LocalCloudError
├── PortInUse         the port is taken by another process
├── StateInUse        another cloud runs on the state directory
├── CloudNotReady     the process did not answer in time, or ended while starting
├── CloudNotRunning   a state directory whose cloud is not running
├── ControlApiError   the control API refused a call
├── InvalidFaultRule  a fault rule that cannot be understood
├── NoCapacity        every process of a function stayed busy
└── GapMoved          MiniStack no longer looks as a gap module expects
"""

from __future__ import annotations

from pathlib import Path

__all__ = [
    "CloudNotReady",
    "CloudNotRunning",
    "ControlApiError",
    "GapMoved",
    "InvalidFaultRule",
    "LocalCloudError",
    "NoCapacity",
    "PortInUse",
    "StateInUse",
]


class LocalCloudError(Exception):
    """Root of this package's errors."""


_SHOWN_LINES = 5


def _last_lines(log: Path) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-_SHOWN_LINES:])
    except FileNotFoundError:
        return ""


class PortInUse(LocalCloudError):
    """The port is taken by another process."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"port {port} is in use by another process; choose another, or 0 for a free one"
        )
        self.port = port
        """The port that was asked for."""


class StateInUse(LocalCloudError):
    """Another cloud runs on the state directory."""

    def __init__(self, state_dir: Path) -> None:
        super().__init__(f"a local cloud is already running on {state_dir}")
        self.state_dir = state_dir
        """The state directory."""


class CloudNotReady(LocalCloudError):
    """The cloud's process did not answer in time, or ended while starting."""

    def __init__(self, reason: str, *, log: Path, exit_code: int | None = None) -> None:
        last = _last_lines(log)
        super().__init__(f"the local cloud did not become ready: {reason} (log: {log})\n{last}")
        self.log = log
        """Where the process wrote its log."""
        self.exit_code = exit_code
        """The exit code, when the process ended."""


class CloudNotRunning(LocalCloudError):
    """There is no running cloud for the state directory."""

    def __init__(self, state_dir: Path) -> None:
        super().__init__(f"no local cloud is running on {state_dir}")
        self.state_dir = state_dir
        """The state directory that was asked for."""


class ControlApiError(LocalCloudError):
    """The control API refused a call."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"the control API answered {status}: {body}")
        self.status = status
        """The HTTP status."""
        self.body = body
        """The body of the answer, as text."""


class InvalidFaultRule(LocalCloudError):
    """A fault rule that cannot be understood."""

    def __init__(self, rule: object, reason: str) -> None:
        super().__init__(f"invalid fault rule {rule!r}: {reason}")
        self.rule = rule
        """The rule as it came."""
        self.reason = reason
        """What is wrong with it."""


class NoCapacity(LocalCloudError):
    """Every process of a function stayed busy for longer than anybody waits."""

    def __init__(self, function_arn: str) -> None:
        super().__init__(f"every process of {function_arn} is busy")
        self.function_arn = function_arn
        """The function's ARN, with the version that was asked for."""


class GapMoved(LocalCloudError):
    """MiniStack no longer looks as a gap module expects: look at the gap before raising the pin."""

    def __init__(self, gap: str, what: str) -> None:
        super().__init__(f"gap {gap}: MiniStack has moved: {what}")
        self.gap = gap
        """Name of the gap module."""
        self.what = what
        """What was expected and is not there."""
