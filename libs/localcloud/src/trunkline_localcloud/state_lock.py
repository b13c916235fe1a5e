"""One cloud per state directory, and a way to tell whether it lives.

The kernel releases the lock however the process ends, so that neither a crash nor a process that
nobody has waited for looks like a running cloud.
"""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import BinaryIO

from trunkline_localcloud.errors import StateInUse

__all__ = ["hold", "is_held"]

_NAME = "cloud.lock"


def hold(state_dir: Path) -> BinaryIO:
    """Take the lock for as long as the returned file is open.

    Raises:
        StateInUse: another process holds it.
    """
    file = (state_dir / _NAME).open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise StateInUse(state_dir) from error
    return file


def is_held(state_dir: Path) -> bool:
    """Whether a cloud runs on ``state_dir``."""
    if not (state_dir / _NAME).exists():
        return False
    try:
        hold(state_dir).close()
    except StateInUse:
        return True
    return False
