"""Event source mappings of FIFO queues: message groups are worked on side by side.

AWS runs as many batches at once as a queue has active message groups, within the mapping's limit
(https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html). MiniStack runs one, so
that a slow message holds up the groups that it does not belong to. The queue itself hands out
nothing of a group that has a message in flight, so two batches never share one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from trunkline_localcloud.patching import replace
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "queue_groups"


def install(_settings: CloudSettings) -> None:
    """Give FIFO queues the concurrency of others."""
    from ministack.services import lambda_svc

    parameters = ("esm", "func_rec", "config", "queue")
    replace(_GAP, lambda_svc, "_sqs_esm_concurrency", parameters, partial(partial, _as_any_queue))


def _as_any_queue(
    original: Callable[..., int],
    esm: dict[str, Any],
    func_rec: dict[str, Any],
    config: dict[str, Any],
    _queue: dict[str, Any] | None = None,
) -> int:
    return original(esm, func_rec, config, None)
