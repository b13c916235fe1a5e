"""Running uv, which resolves and installs packages."""

from __future__ import annotations

import subprocess

from trunkline_devtools.errors import InputError

__all__ = ["run_uv"]


def run_uv(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a uv command and return how it ended.

    Raises:
        InputError: there is no uv on PATH.
    """
    try:
        return subprocess.run(["uv", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise InputError(
            "uv is not on PATH; run this command through ./dev, which has it"
        ) from error
