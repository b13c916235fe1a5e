"""Facts about the repository as a whole that no single package can prove."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REGISTRY_HOSTS = (
    "py" + "pi.org",
    "pythonhosted" + ".org",
    "npm" + "js.org",
    "registry.terraform" + ".io",
)
PROJECTS = sorted(
    path.parent
    for pattern in ("libs/*", "platform", "benchmarks", "services/*", "services/*/*")
    for path in ROOT.glob(f"{pattern}/pyproject.toml")
)
IMPORTS = sorted(
    path.parent.name for project in PROJECTS for path in project.glob("src/*/__init__.py")
)


def _tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns], cwd=ROOT, check=True, capture_output=True
    )
    names = listed.stdout.decode().split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def test_no_registry_host_is_committed() -> None:
    """No tracked file names the host of a package registry."""
    guilty = [
        (str(path.relative_to(ROOT)), host)
        for path in _tracked()
        for host in REGISTRY_HOSTS
        if host.encode() in path.read_bytes()
    ]
    assert [] == guilty


def test_platform_stays_the_standard_library() -> None:
    """`import platform` finds the standard library's module, although a folder bears that name."""
    assert Path(platform.__file__).parent == Path(os.__file__).parent
    outside = [
        str(path.relative_to(ROOT))
        for path in _tracked(
            "platform/**/__init__.py", "platform/**/conftest.py", "platform/**/test_*.py"
        )
        if not path.is_relative_to(ROOT / "platform" / "src")
    ]
    assert [] == outside


ELSEWHERE = {"trunkline_platform", "trunkline_bench"}
"""Packages that environments of their own hold."""


@pytest.mark.parametrize("package", [name for name in IMPORTS if name not in ELSEWHERE])
def test_importing_needs_no_environment(package: str) -> None:
    """A package imports in an empty environment."""
    done = subprocess.run(
        [sys.executable, "-c", f"import {package}"],
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_dependency_says_why(project: Path) -> None:
    """Each third-party dependency is declared with a one-line reason, behind it or above it."""
    text = (project / "pyproject.toml").read_text()
    data = tomllib.loads(text)
    own = {tomllib.loads((p / "pyproject.toml").read_text())["project"]["name"] for p in PROJECTS}
    dependencies = [
        requirement
        for requirement in data["project"].get("dependencies", [])
        if re.split(r"[\[<>=!~;\s]", requirement)[0] not in own
    ]
    silent = [
        requirement
        for requirement in dependencies
        if not re.search(rf'"{re.escape(requirement)}",?[ ]*#[ ]*\S+', text)
        and not re.search(rf'#[ ]*\S+.*\n\s*"{re.escape(requirement)}"', text)
    ]
    assert [] == silent


def test_every_command_in_the_documents_exists() -> None:
    """Each `./dev TASK` that a document tells a reader to type is a task of noxfile.py."""
    listed = subprocess.run(
        [ROOT / "dev"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    known = set(re.findall(r"^[-*] (\S+)", listed, flags=re.MULTILINE))
    typed = {
        (str(path.relative_to(ROOT)), command)
        for path in _tracked("*.md")
        for command in re.findall(r'\./dev "?([a-z][a-z-]*(?:\([a-z-]+\))?)', path.read_text())
    }
    assert set() == {(path, command) for path, command in typed if command not in known}
