"""A queue's batch by hand, with partial failures.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

logger = logging.getLogger(__name__)


def process(
    records: Iterable[dict[str, Any]], one: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """Process each record; which of them are to be delivered again."""
    failures = []
    for record in records:
        try:
            one(record)
        except Exception:  # whatever it is, the others go on
            logger.exception("record failed")
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}
