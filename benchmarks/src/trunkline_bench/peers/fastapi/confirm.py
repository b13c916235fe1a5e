"""Payments that were captured, from a queue, in a service that uses FastAPI.

Neither FastAPI nor Mangum (https://mangum.fastapiexpert.com/adapter/) takes events of queues, so
such a service has a plain function beside its API, which validates with the same pydantic models.
"""

from __future__ import annotations

from typing import Any

from trunkline_bench.peers.by_hand.batch import process
from trunkline_bench.peers.by_hand.confirm import confirm


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry."""
    return process(event["Records"], lambda record: confirm(record["body"], context))
