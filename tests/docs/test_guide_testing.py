"""The code in the guide to testing works as it is printed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

SOURCES = ("services/library/src", "services/library/contract/src")


@pytest.fixture
def clone(written: Any) -> Any:
    """A folder with every file that the guide prints, its manifest, and the plugin's name."""
    clone = written("testing.md", SOURCES)
    code = "from library.service import service; print(service.manifest().model_dump_json())"
    manifest = clone.run("-c", code)
    assert manifest.returncode == 0, manifest.stderr
    Path(clone.path, "services/library/service.json").write_text(manifest.stdout)
    Path(clone.path, "conftest.py").write_text('pytest_plugins = ["trunkline.pytest_plugin"]\n')
    return clone


def test_the_guides_tests_pass(clone: Any) -> None:
    """The kit does what the guide says, with warnings as errors."""
    clone.passes("-m", "pytest", "-W", "error", "services/library/tests")


def test_the_guides_code_is_typed(clone: Any) -> None:
    """mypy --strict has nothing to say about it."""
    clone.passes("-m", "mypy", "--strict", *SOURCES)


def test_the_guides_code_is_in_our_style(clone: Any) -> None:
    """ruff has nothing to mend, neither in the code nor in its format."""
    neighbours = 'lint.isort.known-first-party = ["trunkline"]'
    for command in (("check", "--config", neighbours), ("format", "--check")):
        result = clone.run("-m", "ruff", *command, "--no-cache", "services")
        assert result.returncode == 0, result.stdout + result.stderr
