"""Rules that run at a rate run at the pace of the cloud's alarms.

EventBridge starts the targets of a rule like ``rate(5 minutes)`` every five minutes, beginning when
the rule is made (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html).
MiniStack does so too, and looks every ten seconds whether a rule is due. So that nobody waits for
minutes on a laptop, here a minute of a rate lasts ``CloudSettings.alarm_minute_seconds``, and it
looks every second. A ``cron`` keeps its hours. Rates of EventBridge Scheduler follow too.
"""

from __future__ import annotations

from collections.abc import Callable

from trunkline_localcloud.patching import expect, replace
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "schedule_pace"
_LOOK_EVERY_SECONDS = 1.0


def install(settings: CloudSettings) -> None:
    """Shorten the minutes of rates."""
    from ministack.services import eventbridge

    pace = settings.alarm_minute_seconds / 60

    def shortened(original: Callable[[str], int | None]) -> Callable[[str], float | None]:
        def seconds(expr: str) -> float | None:
            found = original(expr)
            return None if found is None else found * pace

        return seconds

    replace(_GAP, eventbridge, "_parse_rate_seconds", ("expr",), shortened)
    every = expect(_GAP, eventbridge, "_SCHEDULER_TICK_INTERVAL")
    eventbridge._SCHEDULER_TICK_INTERVAL = min(every, _LOOK_EVERY_SECONDS)
