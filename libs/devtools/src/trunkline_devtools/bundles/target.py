"""What a bundle is built for."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass

__all__ = ["CLOUD", "Target", "this_machine"]

_ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
_PLATFORMS = {"arm64": "aarch64-manylinux2014", "x86_64": "x86_64-manylinux2014"}


@dataclass(frozen=True)
class Target:
    """A Lambda runtime on an architecture."""

    runtime: str
    """Lambda's name of the runtime, for example ``python3.13``."""
    architecture: str
    """Lambda's name of the architecture: ``arm64`` or ``x86_64``."""
    host: bool
    """Whether functions run on this machine, under this interpreter."""

    @property
    def python_version(self) -> str:
        """For example ``3.13``."""
        return self.runtime.removeprefix("python")

    @property
    def uv_options(self) -> tuple[str, ...]:
        """How uv is told to choose wheels."""
        if self.host:
            return ("--python", sys.executable)
        return (
            "--python-version", self.python_version,
            "--python-platform", _PLATFORMS[self.architecture],
        )  # fmt: skip

    @property
    def compiles(self) -> bool:
        """Whether this interpreter writes bytecode that the runtime accepts."""
        return self.python_version == _running_version()

    @property
    def key(self) -> str:
        """Tells targets apart, for example ``python3.13-arm64``."""
        system = f"{sys.platform}-{platform.machine()}" if self.host else self.architecture
        # Bytecode differs with the interpreter's magic number, which a release never changes.
        return f"{self.runtime}-{system}"


CLOUD = Target("python3.13", "arm64", host=False)
"""What bundles are built for unless an environment says otherwise."""


def this_machine() -> Target:
    """Functions in local processes, under the interpreter that runs this program."""
    machine = platform.machine().lower()
    return Target(f"python{_running_version()}", _ARCHITECTURES.get(machine, "x86_64"), host=True)


def _running_version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"
