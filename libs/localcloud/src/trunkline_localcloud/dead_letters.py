"""Putting what could not be delivered into a dead-letter queue."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from trunkline_localcloud.patching import expect
from trunkline_localcloud.service_permissions import service_may, service_may_use_key

__all__ = ["bury", "dead_letter_queue"]

_WHO = "dead_letters"
logger = logging.getLogger(__name__)


def bury(
    body: str,
    queue_arn: str | None,
    *,
    service: str,
    source_arn: str,
    attributes: Mapping[str, Any] | None = None,
) -> None:
    """Send a message to a dead-letter queue, if there is one that the service may send to.

    Args:
        body: The message.
        queue_arn: The queue; None when there is none, and the message is lost.
        service: The service principal that could not deliver.
        source_arn: The subscription's topic or the rule.
        attributes: Message attributes, as ``SendMessage`` takes them.
    """
    from ministack.services import sqs

    queue_by_arn = expect(_WHO, sqs, "_queue_by_arn", ("arn",))
    send = expect(_WHO, sqs, "_HANDLERS")["SendMessage"]
    queue = queue_by_arn(queue_arn) if queue_arn else None
    if queue is None or queue_arn is None:
        logger.warning("lost: %s could not deliver for %s", service, source_arn)
        return
    key = queue["attributes"].get("KmsMasterKeyId")
    if not service_may(service, "sqs:SendMessage", queue_arn, source_arn=source_arn) or not (
        service_may_use_key(service, key, source_arn=source_arn)
    ):
        logger.warning("lost: %s may not send to %s for %s", service, queue_arn, source_arn)
        return
    message = {"QueueUrl": queue["url"], "MessageBody": body}
    if attributes:
        message["MessageAttributes"] = attributes
    send(message, queue["url"])


def dead_letter_queue(redrive_policy: str | None) -> str | None:
    """The ARN that a redrive policy names."""
    if not redrive_policy:
        return None
    found = json.loads(redrive_policy).get("deadLetterTargetArn")
    return str(found) if found else None
