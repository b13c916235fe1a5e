"""What the tests of the guides share: a guide's files, written into a folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Clone:
    """A folder with every file that a guide prints, and with our tools' settings."""

    path: Path
    sources: Sequence[str]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python as the guide's reader would, in their folder."""
        path = os.pathsep.join(str(self.path / source) for source in self.sources)
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.path,
            env={**os.environ, "PYTHONPATH": path, "MYPYPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    def passes(self, *arguments: str) -> None:
        """Run Python as the guide's reader would, and fail with what it printed."""
        result = self.run(*arguments)
        assert result.returncode == 0, result.stdout + result.stderr

    def is_in_our_style(self, *packages: str, checked: Sequence[str] = ()) -> None:
        """Let ruff judge the code and its format.

        Args:
            packages: folders beside the new one in the reader's clone, so imports sort with it.
            checked: what to check; everything by default.
        """
        known = ", ".join(f'"{package}"' for package in packages)
        neighbours = f"lint.isort.known-first-party = [{known}]"
        self.passes("-m", "ruff", "check", "--config", neighbours, *checked, "--no-cache")
        self.passes("-m", "ruff", "format", "--check", "--no-cache")


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str, Sequence[str]], Clone]:
    """Writes a guide's files; the sources are its folders of packages."""

    def write(guide: str, sources: Sequence[str]) -> Clone:
        shutil.copy2(ROOT / "pyproject.toml", tmp_path)
        for name, content in FILE.findall((ROOT / "docs" / "guides" / guide).read_text()):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        return Clone(tmp_path, sources)

    return write
