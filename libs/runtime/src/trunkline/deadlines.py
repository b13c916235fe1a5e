"""How long a caller waits, as a request tells it to the service that answers.

The header holds milliseconds from now, not a moment, so that the two clocks need not agree; gRPC's
``grpc-timeout`` is relative for the same reason
(https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from trunkline import clock

TIMEOUT_HEADER = "Trunkline-Timeout-Ms"
"""Request header: the caller gives up after so many milliseconds."""

_MILLISECONDS = re.compile(r"[0-9]{1,8}")
_FAR_FUTURE = 10**14
"""In milliseconds since 1970; whatever is later is no moment."""


def timeout_header(seconds: float) -> str:
    """The header's value for a caller that waits so long."""
    return str(max(1, int(seconds * 1000)))


def sooner(deadline: float, headers: Mapping[str, str], arrived: object = None) -> float:
    """The earlier of a deadline and the moment when the caller gives up.

    A malformed header is as good as none: what it says can only shorten the work, so to refuse a
    request that could be answered in time would help nobody.

    Args:
        deadline: of the invocation, on the monotonic clock; no header moves it back.
        headers: of the request, by lower-case name.
        arrived: when the request came in, in milliseconds since 1970 (API Gateway's
            ``requestTimeEpoch``): what has passed since, as while a function started, is taken off.
    """
    header = headers.get(TIMEOUT_HEADER.lower())
    if header is None or _MILLISECONDS.fullmatch(header) is None:
        return deadline
    return min(deadline, clock.monotonic() + int(header) / 1000 - _since(arrived))


def _since(moment: object) -> float:
    if not isinstance(moment, int | float) or not 0 < moment < _FAR_FUTURE:
        return 0.0
    return max(0.0, clock.now() - moment / 1000)
