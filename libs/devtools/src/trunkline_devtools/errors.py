"""Every error of the developer tools. Each is one clear line for the person at the terminal.

DevtoolsError               exit code 1: the command did what it could and failed
├── InputError              exit code 2: something that the person can put right before trying again
│   ├── NoWorkspace         not inside a Trunkline workspace
│   ├── BadManifests        manifests that are broken or do not fit together
│   ├── UnknownEnvironment  an environment without settings file
│   ├── PortTaken           the port belongs to another process
│   ├── NothingRuns         the command needs a running platform
│   ├── TerraformMissing    no Terraform, or one that is too old
│   └── ProviderMissing     the AWS provider is neither on this machine nor reachable
├── TerraformFailed         a root could not be initialised, applied, planned or destroyed
├── BundleFailed            a bundle could not be built
├── CloudCallFailed         AWS (or the local cloud) refused a call
├── JourneyFailed           an order did not reach its end
└── LoadFailed              the load test found failures
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

__all__ = [
    "BadManifests",
    "BundleFailed",
    "CloudCallFailed",
    "DevtoolsError",
    "InputError",
    "JourneyFailed",
    "LoadFailed",
    "NoWorkspace",
    "NothingRuns",
    "PortTaken",
    "ProviderMissing",
    "TerraformFailed",
    "TerraformMissing",
    "UnknownEnvironment",
]


class DevtoolsError(Exception):
    """Root of this package's errors; its text is what the person reads."""

    exit_code = 1
    """Exit code of the command that ends with this error."""


class InputError(DevtoolsError):
    """Something that the person can put right before trying again."""

    exit_code = 2


class NoWorkspace(InputError):
    """Neither the directory nor one above it is a Trunkline workspace."""

    def __init__(self, start: Path) -> None:
        super().__init__(f"{start} is not inside a Trunkline workspace")
        self.start = start


class BadManifests(InputError):
    """Manifests that are broken or do not fit together."""


class UnknownEnvironment(InputError):
    """An environment without settings file."""


class PortTaken(InputError):
    """The port belongs to another process."""

    def __init__(self, port: int, *, kept: bool = False) -> None:
        """The kept state's addresses hold its port, so it cannot move to another one."""
        remedy = (
            "end that process, or forget the kept state with: ./dev down --reset"
            if kept
            else "choose another with --port N"
        )
        super().__init__(f"port {port} is in use by another process; {remedy}")
        self.port = port


class NothingRuns(InputError):
    """The command needs a running platform."""

    def __init__(self) -> None:
        super().__init__("the platform is not running; start it with: ./dev up")


class TerraformMissing(InputError):
    """No Terraform, or one that is too old."""


class ProviderMissing(InputError):
    """The AWS provider is neither on this machine nor reachable."""


class TerraformFailed(DevtoolsError):
    """A root could not be initialised, applied, planned or destroyed.

    Attributes:
        root: The root's name.
        operation: ``init``, ``apply``, ``plan`` or ``destroy``.
        diagnostics: Terraform's own error texts.
    """

    def __init__(self, root: str, operation: str, diagnostics: Sequence[str]) -> None:
        details = "; ".join(diagnostics) or "it gave no reason"
        super().__init__(f"terraform {operation} of root {root} failed: {details}")
        self.root = root
        self.operation = operation
        self.diagnostics = tuple(diagnostics)


class BundleFailed(DevtoolsError):
    """A bundle could not be built."""

    def __init__(self, service: str, reason: str) -> None:
        super().__init__(f"cannot build the bundle of {service}: {reason}")
        self.service = service
        self.reason = reason


class CloudCallFailed(DevtoolsError):
    """AWS (or the local cloud) refused a call."""


class JourneyFailed(DevtoolsError):
    """An order did not reach its end."""


class LoadFailed(DevtoolsError):
    """The load test found failures."""
