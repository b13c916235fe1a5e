"""One id for an invocation and for the request that asked for it.

AWS answers Invoke with the request id that the function sees as ``aws_request_id`` and that its log
lines carry, also for an event that is run later
(https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html).
MiniStack makes one id for the answer and another for the function.
Here the function runs under the request's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from trunkline_localcloud.patching import replace
from trunkline_localcloud.request_context import invocation_id
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "invocation_ids"


def install(_settings: CloudSettings) -> None:
    """Let a function run under the id of the request that invokes it."""
    from ministack import app

    request = ("method", "path", "headers", "body", "query_params", "request_id")
    replace(_GAP, app, "_dispatch_service_request", request, _remembering)


def _remembering(original: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
    async def dispatch(
        method: str, path: str, headers: Any, body: Any, query_params: Any, request_id: str
    ) -> Any:
        token = invocation_id.set(request_id if path.endswith("/invocations") else None)
        try:
            return await original(method, path, headers, body, query_params, request_id)
        finally:
            invocation_id.reset(token)

    return dispatch
