"""base64url and JSON that can be read in one way only.

Readers that disagree about one text are how tokens are smuggled: of two members with one name, one
checks the first and another uses the last (RFC 8725, section 2.4); a signature with other unused
bits is another text for the same bytes.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from typing import Any, NoReturn


def decoded(segment: str) -> bytes:
    """The bytes of base64url without padding (RFC 7515, section 2).

    Raises:
        ValueError: it is not, or its unused bits are not zero (RFC 4648, section 3.5).
    """
    data = base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
    if base64.urlsafe_b64encode(data).rstrip(b"=") != segment.encode():
        raise binascii.Error("not canonical")
    return data


def json_object(data: bytes) -> dict[str, Any]:
    """A JSON object in UTF-8 (RFC 8259).

    Raises:
        ValueError: it is none, a name stands in it twice at any depth, a number is not finite, or
            it is nested too deeply.
    """
    try:
        found = json.loads(
            data.decode(),
            object_pairs_hook=_distinct,
            parse_float=_finite,
            parse_constant=_no_number,
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("no object")  # noqa: TRY004  # what was sent is wrong, not what we do
    return found


def _distinct(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        raise ValueError("a name stands there twice")
    return found


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


def _no_number(_text: str) -> NoReturn:
    raise ValueError("no finite number")
