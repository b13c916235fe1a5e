"""Results that are larger than an item may be.

A DynamoDB item holds 400 KB
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html), names of
attributes and the UTF-8 length of values included. An answer of Lambda may be fifteen times as
large. Such a result is compressed and cut into parts, so that a repeated request gets it whole.
"""

from __future__ import annotations

import zlib

MAX_WHOLE = 300_000
"""Bytes up to which a result stays in its record."""
MAX_PART = 380_000
"""Bytes in one part; what remains is for its key and the time at which it expires."""


def split(text: str) -> list[bytes]:
    """The parts of a result, none if it may stay whole."""
    encoded = text.encode()
    if len(encoded) <= MAX_WHOLE:
        return []
    packed = zlib.compress(encoded)
    return [packed[start : start + MAX_PART] for start in range(0, len(packed), MAX_PART)]


def join(parts: list[bytes]) -> str:
    """The result of these parts."""
    return zlib.decompress(b"".join(parts)).decode()
