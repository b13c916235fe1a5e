"""What is measured, on which event, and what it may cost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["MEASURES", "Measure"]

_EVENTS = Path(__file__).with_name("events")


@dataclass(frozen=True)
class Measure:
    """One measure."""

    name: str
    description: str
    application: str
    """The module of a peer that does the work."""
    target: float
    """The most that ours may cost, as a part of what Powertools costs."""
    calls: int
    """Calls of the handler in one run; 0 for the first response of a whole process."""
    units: int
    """What one call is divided by: the records of a batch."""

    @property
    def event(self) -> Path:
        """The recorded event, with a mark for what must differ from call to call."""
        return _EVENTS / f"{self.application}.json"


MEASURES = (
    Measure(
        "first_response",
        "from the start of the process to the first response of orders' place_order",
        application="place_order",
        target=0.6,
        calls=0,
        units=1,
    ),
    Measure(
        "warm_api_call",
        "one API call: route, validate, authorise, log a line, count a metric, trace",
        application="quote",
        target=0.4,
        calls=200,
        units=1,
    ),
    Measure(
        "sqs_record",
        "one record of a batch of 10: parse, validate, once per event, log, count, trace",
        application="confirm",
        target=0.5,
        calls=10,
        units=10,
    ),
)
