"""Letting the records of a DynamoDB stream grow old, so that nobody waits a day for it.

A stream keeps a record for 24 hours
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html). MiniStack honours
that by the time at which a record was written; here that time is moved back.
"""

from __future__ import annotations

from trunkline_localcloud.patching import expect

__all__ = ["age_stream"]

_WHO = "aging"
_WRITTEN_AT = "ApproximateCreationDateTime"


def age_stream(table: str, seconds: float) -> int:
    """Let every record of a table's stream have been written so much earlier; how many there are.

    Args:
        table: The table's name.
        seconds: Added to each record's age.
    """
    from ministack.services import dynamodb

    stored = expect(_WHO, dynamodb, "_stream_records").to_dict()
    found = [
        record for (*_, name), records in stored.items() if name == table for record in records
    ]
    for record in found:
        record["dynamodb"][_WRITTEN_AT] -= seconds
    return len(found)
