"""Event source mappings: what makes a function run without being called."""

from __future__ import annotations

import json

from cdktn_provider_aws.lambda_event_source_mapping import (
    LambdaEventSourceMapping,
    LambdaEventSourceMappingFilterCriteriaFilter,
)
from constructs import Construct

from trunkline_platform.constructs.functions import Function
from trunkline_platform.constructs.queues import Queue
from trunkline_platform.constructs.tables import Table

__all__ = ["consume_queue", "follow_inserts"]

_PARTIAL = ["ReportBatchItemFailures"]  # one bad record does not bring back its whole batch
_BATCH_SIZE = 10


def consume_queue(scope: Construct, id_: str, *, function: Function, queue: Queue) -> None:
    """Have messages of a queue brought to a function, ten at most at once."""
    queue.grant_consume(function.role)
    LambdaEventSourceMapping(
        scope,
        id_,
        event_source_arn=queue.resource.arn,
        function_name=function.alias.arn,
        batch_size=_BATCH_SIZE,
        function_response_types=_PARTIAL,
        depends_on=[function.role.policy],
    )


def follow_inserts(scope: Construct, id_: str, *, function: Function, table: Table) -> None:
    """Have a table's new items brought to a function, in order, from the very first.

    Records are retried until they succeed or leave the stream after a day: the item stays in the
    table until it is dealt with, so giving up early would gain nothing.
    """
    table.grant_stream(function.role)
    LambdaEventSourceMapping(
        scope,
        id_,
        event_source_arn=table.resource.stream_arn,
        function_name=function.alias.arn,
        starting_position="TRIM_HORIZON",
        batch_size=_BATCH_SIZE,
        function_response_types=_PARTIAL,
        filter_criteria={
            "filter": [
                LambdaEventSourceMappingFilterCriteriaFilter(
                    pattern=json.dumps({"eventName": ["INSERT"]})
                )
            ]
        },
        depends_on=[function.role.policy],
    )
