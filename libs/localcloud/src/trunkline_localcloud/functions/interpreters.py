"""Which interpreter on this machine runs a function of a given ``Runtime``."""

from __future__ import annotations

import functools
import logging
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Interpreter", "find_interpreter"]

_RUNTIME = re.compile(r"python(3)\.(\d+)")
_PROBE = "import sys; print('%d.%d' % sys.version_info[:2])"
_PROBE_SECONDS = 10

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Interpreter:
    """A Python to run functions with."""

    path: str
    version: str
    """Its version, such as ``3.13``."""
    wanted: str
    """The version that the function's runtime names."""

    @property
    def description(self) -> str:
        """What the function's log says about it."""
        if self.version == self.wanted:
            return f"python:{self.version}"
        return f"python:{self.version} (python{self.wanted} is not on this machine)"


@functools.cache
def find_interpreter(runtime: str) -> Interpreter | None:
    """The interpreter for ``runtime``, or None when it is no Python runtime.

    The cloud's own interpreter when the version is the same; else what pyenv, PATH or uv have;
    else the cloud's own all the same, which the logs say.
    """
    match = _RUNTIME.fullmatch(runtime)
    if match is None:
        return None
    wanted = f"{match[1]}.{match[2]}"
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    if wanted == own:
        return Interpreter(_own(), own, wanted)
    for find in (_from_pyenv, _from_path, _from_uv):
        candidate = find(wanted)
        if candidate and _version_of(candidate) == wanted:
            return Interpreter(candidate, wanted, wanted)
    logger.warning("no python%s on this machine: its functions run on python%s", wanted, own)
    return Interpreter(_own(), own, wanted)


def _own() -> str:
    """The interpreter below any virtual environment."""
    return getattr(sys, "_base_executable", None) or sys.executable


def _from_uv(version: str) -> str | None:
    uv = os.environ.get("UV") or shutil.which("uv")
    command = [uv, "python", "find", "--no-project", "--system", "--offline", version]
    return _output(command) if uv else None


def _from_path(version: str) -> str | None:
    return shutil.which(f"python{version}")


def _from_pyenv(version: str) -> str | None:
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = sorted(root.glob(f"versions/{version}.*/bin/python{version}"))
    return str(found[-1]) if found else None


def _version_of(path: str) -> str | None:
    return _output([path, "-I", "-S", "-c", _PROBE])


def _output(command: list[str | None]) -> str | None:
    arguments = [each for each in command if each is not None]
    try:
        done = subprocess.run(
            arguments, capture_output=True, text=True, timeout=_PROBE_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
