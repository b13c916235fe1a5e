"""Pages of a partition, and the cursors by which API clients ask for the next one."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from trunkline.contracts.model import Model
from trunkline.errors import InvalidRequest
from trunkline.idempotency.keys import digest

M = TypeVar("M", bound=Model)

_CHECK_BYTES = 12


@dataclass(frozen=True)
class Page(Generic[M]):
    """Some records of a partition, in order."""

    records: tuple[M, ...]
    cursor: str | None
    """Asks for what comes after them; ``None`` if nothing does."""


def write_cursor(listing: Sequence[object], sort: str) -> str:
    """A cursor for what comes after a sort key.

    It holds that sort key, which its client has just been shown, and a check sum over the listing.
    It cannot lead into another partition: the server names the partition itself, each time. So a
    forged one shows nobody anything that they could not list anyway, and needs no secret.

    Args:
        listing: what is listed: table, partition, range and direction.
        sort: the sort key of the last record.
    """
    content = _check(listing, sort) + sort.encode()
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def read_cursor(listing: Sequence[object], cursor: str) -> str:
    """The sort key that a cursor holds.

    Raises:
        InvalidRequest: it is none of this listing's.
    """
    try:
        content = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        sort = content[_CHECK_BYTES:].decode()
    except (ValueError, binascii.Error):
        sort = ""
    if not sort or write_cursor(listing, sort) != cursor:
        message = "no cursor of this list; begin without one"
        raise InvalidRequest(message, errors=[{"field": "cursor", "message": message}])
    return sort


def _check(listing: Sequence[object], sort: str) -> bytes:
    return bytes.fromhex(digest([*listing, sort]))[:_CHECK_BYTES]
