"""What programs read: one JSON document on standard output and nothing else."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["print_json"]


def print_json(content: Any) -> None:
    """Print a document."""
    print(json.dumps(content, indent=2, ensure_ascii=False))
