"""The page of errors shows the tree as it is."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from trunkline import errors

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"


def test_the_page_shows_the_tree_of_the_docstring() -> None:
    """Whoever adds an error adds its line to docs/errors.md as well."""
    printed = re.findall(r"^```text\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    documented = re.search(r"::\n\n(.*?)\n\n", errors.__doc__ or "", re.DOTALL)
    assert documented is not None
    assert printed == [textwrap.dedent(documented.group(1)) + "\n"]
