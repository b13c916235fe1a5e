"""Notifications reach those who let them in, and are not lost otherwise.

SNS delivers to a queue whose policy, and whose key's policy, let ``sns.amazonaws.com``, and to a
function whose policy does; what it cannot deliver goes to the subscription's dead-letter queue
(https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html,
https://docs.aws.amazon.com/sns/latest/dg/sns-enable-encryption-for-topic-sqs-queue-subscriptions.html).
An alarm tells a topic whose policy, and whose key's policy, let ``cloudwatch.amazonaws.com``
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html).
MiniStack asks the queue's policy alone, and loses what it cannot deliver.
Failures that AWS would retry, it does not: a delivery here succeeds or never will.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from trunkline_localcloud.dead_letters import bury, dead_letter_queue
from trunkline_localcloud.patching import expect, replace
from trunkline_localcloud.service_permissions import service_may, service_may_use_key
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "notification_deliveries"
_SNS = "sns.amazonaws.com"
_ALARMS = "cloudwatch.amazonaws.com"
_TO_QUEUE = (
    "endpoint",
    "envelope",
    "raw",
    "raw_message",
    "message_group_id",
    "message_dedup_id",
    "message_attributes",
    "topic_arn",
)
_TO_FUNCTION = (
    "endpoint",
    "envelope",
    "topic_arn",
    "sub_arn",
    "msg_id",
    "raw_message",
    "message_attributes",
)
logger = logging.getLogger(__name__)


def install(_settings: CloudSettings) -> None:
    """Ask before delivering, and bury what is refused."""
    from ministack.services import cloudwatch, sns

    expect(_GAP, sns, "_topic_by_arn_any_scope", ("topic_arn",))
    replace(_GAP, sns, "_deliver_to_sqs", _TO_QUEUE, partial(partial, _to_queue))
    replace(_GAP, sns, "_deliver_to_lambda", _TO_FUNCTION, partial(partial, _to_function))
    replace(
        _GAP,
        cloudwatch,
        "_dispatch_alarm_actions",
        ("alarm", "old_state", "new_state", "reason"),
        partial(partial, _to_topics),
    )


def _to_queue(
    original: Callable[..., None],
    endpoint: str,
    envelope: str,
    raw: bool,
    raw_message: str,
    *,
    message_attributes: Mapping[str, Any] | None = None,
    topic_arn: str = "",
    **more: Any,
) -> None:
    from ministack.services import sqs

    queue = sqs._queue_by_arn(endpoint)
    admitted = (
        queue is not None
        and service_may(_SNS, "sqs:SendMessage", endpoint, source_arn=topic_arn)
        and service_may_use_key(
            _SNS, queue["attributes"].get("KmsMasterKeyId"), source_arn=topic_arn
        )
    )
    if admitted:
        original(
            endpoint,
            envelope,
            raw,
            raw_message,
            message_attributes=message_attributes,
            topic_arn=topic_arn,
            **more,
        )
        return
    body, attributes = (raw_message, message_attributes) if raw else (envelope, None)
    _bury_for(topic_arn, lambda each: each.get("endpoint") == endpoint, body, attributes)


def _to_function(
    original: Callable[..., None],
    endpoint: str,
    envelope: str,
    topic_arn: str,
    sub_arn: str,
    *rest: Any,
) -> None:
    if service_may(_SNS, "lambda:InvokeFunction", endpoint, source_arn=topic_arn):
        original(endpoint, envelope, topic_arn, sub_arn, *rest)
        return
    _bury_for(topic_arn, lambda each: each.get("arn") == sub_arn, envelope, None)


def _bury_for(
    topic_arn: str,
    is_subscription: Callable[[Mapping[str, Any]], bool],
    body: str,
    attributes: Mapping[str, Any] | None,
) -> None:
    from ministack.services import sns

    topic = sns._topic_by_arn_any_scope(topic_arn) or {"subscriptions": []}
    for subscription in filter(is_subscription, topic["subscriptions"]):
        policy = subscription.get("attributes", {}).get("RedrivePolicy")
        bury(
            body,
            dead_letter_queue(policy),
            service=_SNS,
            source_arn=topic_arn,
            attributes=attributes,
        )


def _to_topics(
    original: Callable[..., None],
    alarm: Mapping[str, Any],
    old_state: str,
    new_state: str,
    reason: str,
) -> None:
    refused = set()
    for name in ("AlarmActions", "OKActions", "InsufficientDataActions"):
        for topic_arn in alarm.get(name) or []:
            if not _alarm_may(alarm["AlarmArn"], topic_arn):
                refused.add(topic_arn)
    if refused:
        logger.warning("alarm %s may not publish to %s", alarm["AlarmName"], sorted(refused))
        alarm = {
            **alarm,
            **{
                name: [each for each in alarm.get(name) or [] if each not in refused]
                for name in ("AlarmActions", "OKActions", "InsufficientDataActions")
            },
        }
    original(alarm, old_state, new_state, reason)


def _alarm_may(alarm_arn: str, topic_arn: str) -> bool:
    from ministack.services import sns

    topic = sns._topic_by_arn_any_scope(topic_arn)
    if topic is None:
        return True  # which MiniStack ignores
    key = topic["attributes"].get("KmsMasterKeyId")
    return service_may(
        _ALARMS, "sns:Publish", topic_arn, source_arn=alarm_arn
    ) and service_may_use_key(_ALARMS, key, source_arn=alarm_arn)
