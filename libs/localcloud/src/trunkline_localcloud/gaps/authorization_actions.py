"""The action that a batch is authorized by.

SNS and SQS have no actions for their batch operations: ``PublishBatch`` needs ``sns:Publish``,
``SendMessageBatch`` needs ``sqs:SendMessage`` and so on
(https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html,
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html).
MiniStack authorizes each by an action of its own name, which no policy that works in AWS grants.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from trunkline_localcloud.patching import replace
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "authorization_actions"
_LOOKUP = ("service", "method", "path", "headers", "body", "query_params")
_SINGLE = {
    "sns:PublishBatch": "sns:Publish",
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}


def install(_settings: CloudSettings) -> None:
    """Authorize a batch by the action of a single one."""
    from ministack.core import iam_actions

    replace(_GAP, iam_actions, "extract_iam_action", _LOOKUP, partial(partial, _action))


def _action(original: Callable[..., str | None], *args: Any, **kwargs: Any) -> str | None:
    found = original(*args, **kwargs)
    return found if found is None else _SINGLE.get(found, found)
