"""Which interpreter runs a function."""

from __future__ import annotations

import sys

import pytest

from trunkline_localcloud.functions.interpreters import find_interpreter

_OWN = f"{sys.version_info.major}.{sys.version_info.minor}"


def test_own_version_is_the_own_interpreter() -> None:
    """A runtime of the cloud's own version runs below its virtual environment."""
    found = find_interpreter(f"python{_OWN}")
    assert found is not None
    assert found.version == _OWN
    assert found.description == f"python:{_OWN}"


def test_missing_version_is_said() -> None:
    """A version that this machine lacks runs on the cloud's own, and the log says so."""
    found = find_interpreter("python3.99")
    assert found is not None
    assert found.version == _OWN
    assert found.description.endswith("(python3.99 is not on this machine)")


@pytest.mark.parametrize("runtime", ["nodejs22.x", "provided.al2023", "", "python2.7"])
def test_other_runtimes_have_none(runtime: str) -> None:
    """What is no Python 3 runtime has no interpreter."""
    assert find_interpreter(runtime) is None
