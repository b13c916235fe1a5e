"""What FastAPI's applications share: who calls, and the trace.

FastAPI has neither, so they are dependencies
(https://fastapi.tiangolo.com/tutorial/dependencies/), and Mangum hands them Lambda's event
(https://mangum.fastapiexpert.com/adapter/#accessing-the-event-and-context).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Header, HTTPException, Request

from trunkline_bench.peers.by_hand.telemetry import Trace, span
from trunkline_bench.peers.shop.callers import service_of


async def caller(request: Request) -> str:
    """The service that calls; refuses any other."""
    event = request.scope["aws.event"]
    service = service_of(event["requestContext"]["identity"]["userArn"])
    if service is None:
        raise HTTPException(403, "the caller is no service that may call this one")
    return service


def trace(
    request: Request, x_amzn_trace_id: Annotated[str | None, Header()] = None
) -> Iterator[Trace]:
    """The request's span."""
    name = f"{request.method} {request.scope['aws.event']['resource']}"
    with span(name, Trace.from_xray(x_amzn_trace_id)) as current:
        yield current


CallerOf = Annotated[str, Depends(caller)]
TraceOf = Annotated[Trace, Depends(trace)]
