"""Secret values never leave by a log line or a span.

Whoever loads a secret says so (:func:`hide`). From then on every text that is about to be written
is searched for it; a process without secrets pays for one comparison.
"""

from __future__ import annotations

import json
import re
from typing import Any

MASK = "***"
MIN_LENGTH = 4
"""Shorter values are not searched for: they would be found in every other word."""

_hidden: set[str] = set()
_pattern: re.Pattern[str] | None = None


def hide(*values: str) -> None:
    """Mask these values from now on, also as they look within quotes, JSON and addresses."""
    global _pattern
    from urllib.parse import quote, quote_plus

    for value in values:
        if len(value) < MIN_LENGTH or value in _hidden:
            continue
        escaped = json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]
        _hidden.update(
            (value, *escaped, repr(value)[1:-1], quote(value, safe=""), quote_plus(value))
        )
    if _hidden:
        longest_first = sorted(_hidden, key=len, reverse=True)
        _pattern = re.compile("|".join(map(re.escape, longest_first)))


def forget() -> None:
    """Mask nothing any more, as tests need."""
    global _pattern
    _hidden.clear()
    _pattern = None


def masked(value: Any) -> Any:
    """A JSON value with every hidden value in its texts, names and numbers replaced."""
    if _pattern is None:
        return value
    return _replaced(value, _pattern)


def plain(value: Any) -> Any:
    """What JSON writes for something that it does not know.

    A model becomes its fields, as its ``repr`` shows them: personal data is masked there.
    """
    fields = getattr(value, "__repr_args__", None)
    if fields is None or isinstance(value, type):
        return str(value)
    return {name or str(number): field for number, (name, field) in enumerate(fields())}


def _replaced(value: Any, pattern: re.Pattern[str]) -> Any:
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return pattern.sub(MASK, value)
    if isinstance(value, dict):
        return {
            pattern.sub(MASK, str(name)): _replaced(held, pattern) for name, held in value.items()
        }
    if isinstance(value, list | tuple):
        return [_replaced(held, pattern) for held in value]
    if isinstance(value, int | float):
        text = str(value)
        return value if pattern.search(text) is None else pattern.sub(MASK, text)
    return _replaced(plain(value), pattern)
