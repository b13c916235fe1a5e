"""The picture of a request's way names what exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "request.md").read_text()
SOURCE = ROOT / "libs" / "runtime" / "src" / "trunkline"


def test_every_module_of_the_picture_exists() -> None:
    """A module that is renamed or removed is missed here."""
    named = set(re.findall(r"[a-z_/]+\.py", PAGE))
    assert len(named) > 10
    assert {name for name in named if not (SOURCE / name).is_file()} == set()


def test_every_link_leads_somewhere() -> None:
    """The pages that it points at are there."""
    for link in re.findall(r"\]\(([^)#:]+)\)", PAGE):
        assert (ROOT / "docs" / link).is_file(), link


def test_every_box_is_drawn_once_and_reached() -> None:
    """Each name of an arrow's end has a box, in the same picture."""
    for picture in re.findall(r"```mermaid\n(.*?)```", PAGE, re.DOTALL):
        drawn = re.findall(r"\b([a-z]+)(?:\(\[|\[\"|\{\")", picture)
        assert len(drawn) == len(set(drawn))
        bare = re.sub(
            r"\(\[.*?\]\)|\[\".*?\"\]|\{\".*?\"\}|-- .*? -->|flowchart TD", " --> ", picture
        )
        assert set(re.findall(r"[a-z]+", bare)) == set(drawn)
