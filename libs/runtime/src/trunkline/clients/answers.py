"""From another service's problem to an error here."""

from __future__ import annotations

import json
from collections.abc import Mapping

from trunkline.errors import (
    CallRefused,
    Conflict,
    IdempotencyMismatch,
    NotFound,
    Problem,
    RequestInProgress,
    TooManyRequests,
    Unavailable,
)

_PASSED_ON = {
    kind.type_uri(): kind for kind in (NotFound, Conflict, RequestInProgress, IdempotencyMismatch)
}


def problem_of(status: int, headers: Mapping[str, str], body: bytes) -> Problem:
    """The error that a response means for its caller.

    What the called service says of its own things is passed on (not found, conflict). What it says
    of our request (malformed, not allowed) is a fault of ours: :class:`CallRefused`.
    """
    content = _content(body)
    detail = content.get("detail")
    text = detail if isinstance(detail, str) else None
    after = _seconds(headers.get("Retry-After"))
    known = _PASSED_ON.get(str(content.get("type")))
    if known is not None and known.status == status:
        return known(text, retry_after=after)
    match status:
        case 404 | 409:
            # Without a problem of ours it comes from the gateway: the route is not there.
            return CallRefused(f"the gateway answered {status}")
        case 429:
            return TooManyRequests(text, retry_after=after)
        case _ if status >= 500:
            return Unavailable(f"the called service answered {status}", retry_after=after)
        case _:
            return CallRefused(f"the called service answered {status}: {text or 'no reason given'}")


def _content(body: bytes) -> Mapping[str, object]:
    try:
        content = json.loads(body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _seconds(header: str | None) -> float | None:
    return float(header) if header is not None and header.isdigit() else None
