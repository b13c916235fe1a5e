"""The calls of the recent past: who did what to what, and whether it was let."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from typing import Any

from trunkline_localcloud.functions.credentials import issuer
from trunkline_localcloud.patching import replace

__all__ = ["RecordedCall", "Recorder", "watch_decisions"]

_CAPACITY = 20_000
_PARAMETERS = (
    "access_key_id",
    "iam_action",
    "service",
    "region",
    "resource_arn",
    "service_context",
)


@dataclass
class RecordedCall:
    """One call."""

    seq: int
    time: float
    """Seconds since the epoch."""
    principal_arn: str | None = None
    function: str | None = None
    """The function that signed it, if one did."""
    action: str | None = None
    """IAM action; None for what needs no permission."""
    resource: str | None = None
    decision: str = "public"
    """``allow``, ``deny``, ``unauthenticated``, or ``public`` when no policy was asked."""
    status: int = 0
    """HTTP status of the answer."""


_current: ContextVar[RecordedCall | None] = ContextVar("recorded_call", default=None)


class Recorder:
    """Keeps the latest calls."""

    def __init__(self) -> None:
        self._calls: deque[RecordedCall] = deque(maxlen=_CAPACITY)
        self._next = 1
        self._lock = threading.Lock()

    def begin(self) -> RecordedCall:
        """A record for the request that is being served, kept from now on."""
        with self._lock:
            call = RecordedCall(self._next, time.time())
            self._next += 1
            self._calls.append(call)
        _current.set(call)
        return call

    def since(self, seq: int) -> list[dict[str, Any]]:
        """The answered calls after number ``seq``, the oldest first."""
        with self._lock:
            return [asdict(call) for call in self._calls if call.seq > seq and call.status]


def watch_decisions() -> None:
    """Note in the current record what is decided about it; installed after every gap.

    Raises:
        GapMoved: MiniStack decides elsewhere.
    """
    from ministack.core import iam_evaluator

    replace("recorder", iam_evaluator, "enforce", _PARAMETERS, _noting)


def _noting(original: Callable[..., Any]) -> Callable[..., Any]:
    from ministack.core import iam_evaluator

    def enforce(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        denied = original(
            access_key_id,
            iam_action,
            service,
            region,
            resource_arn=resource_arn,
            service_context=service_context,
        )
        call = _current.get()
        if call is not None and (call.action is None or denied):
            call.action, call.resource = iam_action, resource_arn
            unauthenticated = isinstance(denied, iam_evaluator.AuthError)
            call.decision = "unauthenticated" if unauthenticated else "deny" if denied else "allow"
            holder = issuer.holder_of(access_key_id)
            call.function = holder.function.name if holder else None
            identity = iam_evaluator.resolve_caller_identity(access_key_id)
            call.principal_arn = identity["userArn"] if identity else None
        return denied

    return enforce
