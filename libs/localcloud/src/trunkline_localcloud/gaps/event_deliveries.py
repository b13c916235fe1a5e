"""Events reach the targets that let them in, and are not lost otherwise.

EventBridge delivers to a queue, topic or function whose policy lets ``events.amazonaws.com`` for
the rule, and to an encrypted queue or topic whose key's policy does; what it may not deliver goes
to the target's dead-letter queue, with the error as attributes
(https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html,
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html).
MiniStack delivers to anybody, and loses what it cannot. A target with a role of its own is left
alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from trunkline_localcloud.dead_letters import bury
from trunkline_localcloud.patching import expect, replace
from trunkline_localcloud.service_permissions import service_may, service_may_use_key
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "event_deliveries"
_SERVICE = "events.amazonaws.com"
_ACTIONS = {"lambda": "lambda:InvokeFunction", "sqs": "sqs:SendMessage", "sns": "sns:Publish"}


def install(_settings: CloudSettings) -> None:
    """Ask the target's policy, and bury what it refuses."""
    from ministack.services import eventbridge, sns, sqs

    view_of = expect(_GAP, eventbridge, "_pattern_event_view")
    queue_by_arn = expect(_GAP, sqs, "_queue_by_arn", ("arn",))
    topic_by_arn = expect(_GAP, sns, "_topic_by_arn_any_scope", ("topic_arn",))

    def key_of(service: str, arn: str) -> str | None:
        found = {"sqs": queue_by_arn, "sns": topic_by_arn}.get(service, lambda _arn: None)(arn)
        key = (found or {}).get("attributes", {}).get("KmsMasterKeyId")
        return str(key) if key else None

    def invoke(
        original: Callable[..., None],
        target: Mapping[str, Any],
        event: Mapping[str, Any],
        rule: Mapping[str, Any],
        view: Any = None,
    ) -> None:
        arn, rule_arn = target.get("Arn", ""), rule.get("Arn", "")
        service = (arn.split(":") + [""] * 3)[2]
        action = None if target.get("RoleArn") else _ACTIONS.get(service)
        admitted = action is None or (
            service_may(_SERVICE, action, arn, source_arn=rule_arn)
            and service_may_use_key(_SERVICE, key_of(service, arn), source_arn=rule_arn)
        )
        if admitted:
            original(target, event, rule, view)
            return
        errors = {
            "ERROR_CODE": "NO_PERMISSIONS",
            "ERROR_MESSAGE": f"{_SERVICE} is not authorized to perform: {action} on {arn}",
            "RULE_ARN": rule_arn,
            "TARGET_ARN": arn,
        }
        bury(
            json.dumps((view or view_of(event)).event_with_detail()),
            (target.get("DeadLetterConfig") or {}).get("Arn"),
            service=_SERVICE,
            source_arn=rule_arn,
            attributes={
                name: {"DataType": "String", "StringValue": value} for name, value in errors.items()
            },
        )

    replace(
        _GAP,
        eventbridge,
        "_invoke_target",
        ("target", "event", "rule", "view"),
        partial(partial, invoke),
    )
