"""Small files that the tools keep: written whole or not at all, private where they hold keys."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["read_json", "write_json", "write_private"]


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a file, or None when there is no such file or it holds something else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write an object so that only its owner can read it."""
    write_private(path, json.dumps(content, indent=2) + "\n")


def write_private(path: Path, text: str) -> None:
    """Write a text so that only its owner can read it, and no reader sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # mkstemp makes a file that only its owner can read.
    descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    Path(partial).replace(path)
