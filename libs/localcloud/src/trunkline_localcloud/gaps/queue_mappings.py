"""Event source mappings of SQS queues: what happens to a batch after the function had it.

AWS deletes what succeeded; what failed stays invisible until the queue's visibility timeout has
passed; a response that does not say clearly which items failed fails the whole batch
(https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).
MiniStack takes an unclear response for a success, which would lose messages, and stops a mapping
for a second after each error, also for messages that have nothing to do with it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

from trunkline_localcloud.patching import expect, replace
from trunkline_localcloud.settings import CloudSettings

__all__ = ["failed_messages", "install"]

_GAP = "queue_mappings"
_PAUSE_SECONDS = 0.1
Message = dict[str, Any]

logger = logging.getLogger(__name__)


def install(_settings: CloudSettings) -> None:
    """Finish batches as AWS does."""
    from ministack.services import lambda_svc, sqs

    expect(_GAP, sqs, "_delete_messages_for_esm", ("queue_url", "receipt_handles"))
    expect(_GAP, lambda_svc, "_esm_backoff_until")
    parameters = ("esm", "func_rec", "event", "batch", "queue_url", "queue_name")
    replace(_GAP, lambda_svc, "_run_sqs_batch", parameters, lambda _original: _run_batch)


def failed_messages(payload: Any, message_ids: Sequence[str]) -> set[str]:
    """Which messages of a batch failed, as a function that reports them says.

    An answer that is empty says that none did; one that cannot be understood, that all did.

    Args:
        payload: What the function returned.
        message_ids: Those of the batch.
    """
    if not payload:
        return set()
    if not isinstance(payload, dict):
        return set(message_ids)
    failures = payload.get("batchItemFailures") or []
    known = set(message_ids)
    reported = {
        str(failure.get("itemIdentifier", "")) if isinstance(failure, dict) else ""
        for failure in failures
    }
    return reported if reported <= known else known


def _run_batch(
    mapping: dict[str, Any],
    function: dict[str, Any],
    event: dict[str, Any],
    batch: list[Message],
    queue_url: str,
    queue_name: str,
) -> None:
    from ministack.services import lambda_svc, sqs

    result = lambda_svc._execute_function(function, event)
    message_ids = [message["id"] for message in batch]
    if result.get("error"):
        failed = set(message_ids)
        lambda_svc._esm_backoff_until[mapping["UUID"]] = time.time() + _PAUSE_SECONDS
    elif "ReportBatchItemFailures" in (mapping.get("FunctionResponseTypes") or ()):
        failed = failed_messages(result.get("body"), message_ids)
    else:
        failed = set()
    handles = {message["receipt_handle"] for message in batch if message["id"] not in failed}
    sqs._delete_messages_for_esm(queue_url, handles)
    done = len(batch) - len(failed)
    mapping["LastProcessingResult"] = "FAILED" if not done else f"OK - {done} records"
    if failed:
        logger.warning(
            "%s: %d of %d messages of %s failed: %s",
            mapping["FunctionName"],
            len(failed),
            len(batch),
            queue_name,
            result.get("body"),
        )
