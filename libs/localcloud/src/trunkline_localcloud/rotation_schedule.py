"""When a secret rotates next.

``RotationRules`` hold ``AutomaticallyAfterDays``, or a ``ScheduleExpression`` that is a ``rate`` or
a ``cron`` (https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotationRulesType.html).
MiniStack's EventBridge reads ``cron`` expressions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from trunkline_localcloud.patching import expect

__all__ = ["next_rotation"]

_GAP = "secret_rotation"
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}


def next_rotation(rules: Mapping[str, Any] | None, *, after: float) -> int | None:
    """Seconds since the epoch of the next rotation, None when the rules name no time.

    Args:
        rules: ``RotationRules`` of the secret.
        after: Seconds since the epoch of the last rotation, or of the request.
    """
    if not rules:
        return None
    if days := rules.get("AutomaticallyAfterDays"):
        return int(after + int(days) * _SECONDS["day"])
    expression = rules.get("ScheduleExpression", "")
    if found := _RATE.fullmatch(expression):
        return int(after + int(found[1]) * _SECONDS[found[2]])
    return _next_by_cron(expression, after) if expression else None


def _next_by_cron(expression: str, after: float) -> int | None:
    from ministack.services import eventbridge

    parse = expect(_GAP, eventbridge, "_parse_cron_fields", ("expr",))
    next_fire = expect(_GAP, eventbridge, "_cron_next_fire", ("fields", "after_dt"))
    fields = parse(expression)
    found = next_fire(fields, datetime.fromtimestamp(after, UTC)) if fields else None
    return int(found.timestamp()) if found else None
