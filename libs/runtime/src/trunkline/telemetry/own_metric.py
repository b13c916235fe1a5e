"""A metric of a service's author."""

from __future__ import annotations

import logging
import math
import re
from dataclasses import dataclass

from trunkline.errors import DeclarationError
from trunkline.telemetry.metrics import FIXED, Unit, count, record

logger = logging.getLogger(__name__)

MAX_LENGTH = 255
"""Of a metric's name
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html)."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_RESERVED = frozenset(FIXED) | {"service", "function", "handler", "type"}


@dataclass(frozen=True)
class Metric:
    """A number that is watched. Made by :meth:`trunkline.Service.metric`.

    Raises:
        DeclarationError: the name is no word in snake case, too long, or the runtime's own.
    """

    name: str
    unit: Unit

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or len(self.name) > MAX_LENGTH:
            raise DeclarationError(
                f"metric {self.name!r}: its name is lower-case words joined by _, "
                f"at most {MAX_LENGTH} characters"
            )
        if self.name in _RESERVED:
            raise DeclarationError(
                f"metric {self.name!r} is the runtime's own, as are {', '.join(sorted(_RESERVED))}"
            )

    def add(self, value: float = 1) -> None:
        """Add one observation.

        Those of unit ``Count`` are summed over the invocation; any other is kept by itself, so that
        CloudWatch can tell percentiles. What is no finite number is dropped and logged: measuring
        never fails the work that is measured.
        """
        if not math.isfinite(value):
            logger.warning("metric %s: %s is not a finite number", self.name, value)
        elif self.unit == "Count":
            count(self.name, value)
        else:
            record(self.name, value, self.unit)
