"""The documentation's index lists every page."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_every_page_is_listed_once() -> None:
    """A page that nobody links is a page that nobody reads."""
    linked = re.findall(r"\]\(([^)]+\.md)\)", (DOCS / "README.md").read_text())
    pages = {
        str(path.relative_to(DOCS))
        for path in DOCS.rglob("*.md")
        if path.parent.name != "decisions" and path != DOCS / "README.md"
    }
    assert pages | {"decisions/README.md"} == set(linked)
    assert len(linked) == len(set(linked))
