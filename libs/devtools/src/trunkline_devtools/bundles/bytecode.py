"""Bytecode that is the same everywhere and is never checked against its sources.

Lambda's file system is read-only and a zip's moments are fixed, so time-stamped bytecode would be
compiled anew at each cold start. Unchecked hash-based bytecode (PEP 552) is used as it is.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

__all__ = ["compile_folder"]

_TASK_ROOT = "/var/task"
"""Where Lambda unpacks a bundle: docs.aws.amazon.com/lambda/latest/dg/python-package.html."""


def compile_folder(folder: Path) -> None:
    """Write bytecode of this interpreter beside every module in ``folder``.

    Modules that this version of Python cannot compile stay as they are.
    """
    subprocess.run(
        [
            sys.executable, "-s", "-m", "compileall", "-q", "-f", "-j", "0",
            "--invalidation-mode", "unchecked-hash",
            "-s", str(folder), "-p", _TASK_ROOT, str(folder),
        ],
        # The order of sets inside bytecode follows the seed, so it is fixed.
        env={"PYTHONHASHSEED": "0"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
    )  # fmt: skip
