"""Compiling a lock file with uv: for every platform, with hashes, without any download address."""

from __future__ import annotations

import tempfile
from pathlib import Path

from trunkline_devtools.errors import DevtoolsError
from trunkline_devtools.locks.table import Lock
from trunkline_devtools.uv import run_uv

__all__ = ["LockFailed", "compile_lock"]

_OLDEST_PYTHON = "3.11"


class LockFailed(DevtoolsError):
    """uv could not resolve what a lock file is made from."""

    def __init__(self, lock: Path, reason: str) -> None:
        super().__init__(f"cannot compile {lock.name}: {reason}")
        self.lock = lock


def compile_lock(lock: Lock, *, upgrade: bool = False) -> bool:
    """Write a lock file; whether its content changed.

    Args:
        lock: What to pin and where to write it.
        upgrade: Take the newest versions instead of those in the present file where they still fit.

    Raises:
        LockFailed: there is no solution.
    """
    before = lock.path.read_text() if lock.path.is_file() else None
    lock.path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        source = Path(work) / "requirements.in"
        source.write_text("".join(f"{text}\n" for text in lock.requirements))
        target = Path(work) / "requirements.txt"
        if before is not None:
            target.write_text(before)
        answer = run_uv(
            "pip", "compile", "--quiet", "--universal", "--generate-hashes",
            "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links",
            "--python-version", _OLDEST_PYTHON, *(["--upgrade"] if upgrade else []),
            *(["--constraints", str(lock.within)] if lock.within else []),
            "--output-file", str(target), str(source),
        )  # fmt: skip
        if answer.returncode != 0:
            raise LockFailed(lock.path, " ".join(answer.stderr.split()))
        after = target.read_text()
    if after != before:
        lock.path.write_text(after)
    return after != before
