"""The caller of the request that is being served, and what it may do beside that request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from trunkline_localcloud.patching import expect
from trunkline_localcloud.request_context import caller_key, signed_body

__all__ = ["request_body", "why_denied"]

_GAP = "callers"


def request_body() -> dict[str, Any]:
    """The JSON body of the request being served; empty when there is none."""
    content = signed_body.get()
    if not content.startswith(b"{"):
        return {}
    try:
        body = json.loads(content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def why_denied(
    action: str, resource_arn: str, context: Mapping[str, Any] | None = None
) -> str | None:
    """Why the caller of the request being served may not also do ``action``; None when it may.

    What the cloud does by itself has no caller, and is not denied.

    Args:
        action: An IAM action, such as ``sqs:SendMessage``.
        resource_arn: What it is done to.
        context: Condition keys of the action, beside the global ones.
    """
    from ministack.core import iam_actions, iam_evaluator

    key = caller_key.get()
    if key is None:
        return None
    denied = expect(_GAP, iam_evaluator, "enforce")(
        key,
        action,
        action.partition(":")[0],
        resource_arn.split(":")[3],
        resource_arn=resource_arn,
        service_context=dict(context or {}),
    )
    if denied is None:
        return None
    message = expect(_GAP, iam_actions, "identity_denial_message")
    explicit = getattr(denied, "decision", "") == "Deny"
    principal = getattr(denied, "principal_arn", "")
    return str(message(action, principal, resource_arn, explicit))
