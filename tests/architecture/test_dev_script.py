"""The entry script, before anything is installed."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_an_old_python_is_named(tmp_path: Path) -> None:
    """With only an old Python, `./dev` says what it found, what it needs, and how to go on."""
    old = tmp_path / "python3"
    # Says no to the question whether it is new enough, and its version to the other question.
    old.write_text('#!/bin/sh\ncase "$2" in *exit*) exit 1 ;; *) echo 3.9.2 ;; esac\n')
    old.chmod(0o755)
    done = subprocess.run(
        [ROOT / "dev", "status"],
        env={"PATH": "/usr/bin:/bin", "PYTHON": str(old)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 2 == done.returncode
    assert 1 == len(done.stderr.splitlines())
    for fact in ("3.11", "3.9.2", str(old)):
        assert fact in done.stderr
