"""The gap modules themselves: listed, explained, and able to tell that MiniStack has moved."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from trunkline_localcloud import gaps
from trunkline_localcloud.errors import GapMoved
from trunkline_localcloud.gaps_installed import GAPS
from trunkline_localcloud.patching import expect, replace, replace_entry

_MODULES = sorted(
    path for path in Path(str(gaps.__path__[0])).glob("*.py") if path.stem != "__init__"
)


def test_every_gap_is_installed_once() -> None:
    """Each module of the package is in the list, and nothing is twice."""
    names = [gap.__name__.rpartition(".")[2] for gap in GAPS if isinstance(gap, ModuleType)]
    assert sorted(names) == [path.stem for path in _MODULES]


@pytest.mark.parametrize("path", _MODULES, ids=lambda path: path.stem)
def test_every_gap_says_what_it_bridges(path: Path) -> None:
    """A gap's docstring says what AWS does, with its page, and what MiniStack does."""
    said = ast.get_docstring(ast.parse(path.read_text())) or ""
    assert "MiniStack" in said
    assert "https://docs.aws.amazon.com/" in said


def _module(**attributes: Any) -> Any:
    return SimpleNamespace(__name__="emulator", **attributes)


def _keep(original: Callable[..., Any]) -> Callable[..., Any]:
    return original


def test_missing_attribute_has_moved() -> None:
    """A gap whose place is gone names itself and the place."""
    with pytest.raises(GapMoved, match=r"gap g: .*emulator\.act is missing") as moved:
        expect("g", _module(), "act")
    assert (moved.value.gap, moved.value.what) == ("g", "emulator.act is missing")


def test_other_signature_has_moved() -> None:
    """A function that takes other parameters than a gap was written for is not replaced."""
    module = _module(act=lambda event, context: None)
    with pytest.raises(GapMoved, match="act"):
        replace("g", module, "act", ("event",), _keep)
    replace("g", module, "act", ("event", "context"), lambda original: original)


@pytest.mark.parametrize("table", [{}, {"Act": lambda event: None}])
def test_other_handler_has_moved(table: dict[str, Callable[..., Any]]) -> None:
    """An operation that is gone, or whose handler takes something else, is not replaced."""
    with pytest.raises(GapMoved, match="Act"):
        replace_entry("g", table, "Act", ("data",), _keep)
