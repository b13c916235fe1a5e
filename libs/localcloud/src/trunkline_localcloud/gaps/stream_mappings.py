"""Event source mappings of DynamoDB streams and Kinesis streams.

AWS reads every shard of every mapping on its own, and honours ``ReportBatchItemFailures``,
``MaximumRetryAttempts``, ``MaximumRecordAgeInSeconds`` and ``BisectBatchOnFunctionError``
(https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html).
MiniStack runs stream functions one after another on the thread that also polls the queues, so that
a slow one holds up everything, and retries whole batches for ever.
Here each shard has one batch in flight on a thread of its own; the rules are in
``trunkline_localcloud.stream_batches``. Positions stay in MiniStack's store, which it saves.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from trunkline_localcloud.patching import expect, replace
from trunkline_localcloud.settings import CloudSettings
from trunkline_localcloud.stream_batches import BatchResult, RetryRules, ShardProgress

__all__ = ["install"]

_GAP = "stream_mappings"
_DEFAULT_BATCH_SIZE = 100
Record = dict[str, Any]

logger = logging.getLogger(__name__)


def install(_settings: CloudSettings) -> None:
    """Read streams shard by shard."""
    from ministack.core.responses import request_scope
    from ministack.services import dynamodb, kinesis, lambda_svc

    for name in ("stream_start_position", "stream_end_position", "stream_records_since"):
        expect(_GAP, dynamodb, name)
    expect(_GAP, kinesis, "_streams")
    expect(_GAP, kinesis, "_ensure_base64", ("value",))
    expect(_GAP, lambda_svc, "_send_ddb_stream_failure_record")
    expect(_GAP, lambda_svc, "_apply_filter_criteria", ("records", "esm"))
    readers = _Readers(request_scope)
    dynamodb_shards, kinesis_shards = _poll(readers, _table_shards), _poll(readers, _stream_shards)
    replace(_GAP, lambda_svc, "_poll_dynamodb_streams", (), lambda _original: dynamodb_shards)
    replace(_GAP, lambda_svc, "_poll_kinesis", (), lambda _original: kinesis_shards)


@dataclass(frozen=True)
class Shard:
    """One shard as one mapping sees it."""

    key: tuple[str, str]
    """The mapping's UUID and the shard's id."""
    read: Callable[[int, int], list[Record]]
    """The records from a position, at most so many, as the function gets them."""
    position: Callable[[], int]
    move: Callable[[int], None]
    created: Callable[[Record], float]
    """When a record was written, in seconds since the epoch."""


class _Readers:
    """The shards' progress, and which of them have a batch in flight."""

    def __init__(self, request_scope: Callable[[str, str], Any]) -> None:
        self._request_scope = request_scope
        self._progress: dict[tuple[str, str], ShardProgress] = {}
        self._not_before: dict[tuple[str, str], float] = {}
        self._in_flight: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def step(self, scope: tuple[str, str], mapping: Record, function: Record, shard: Shard) -> bool:
        """Start on the shard's next batch; False when there is nothing to do."""
        from ministack.core.concurrency import spawn_background
        from ministack.services import lambda_svc

        if shard.key in self._in_flight:
            return False
        if self._not_before.get(shard.key, 0.0) > time.monotonic():
            return False
        rules = RetryRules.of_mapping(mapping)
        progress = self._progress.setdefault(shard.key, ShardProgress(rules))
        progress.rules = rules
        size = progress.batch_size(mapping.get("BatchSize") or _DEFAULT_BATCH_SIZE)
        position = shard.position()
        records = shard.read(position, size)
        if not records:
            return False
        wanted = lambda_svc._apply_filter_criteria(records, mapping)
        if not wanted:
            shard.move(position + len(records))
            return True
        with self._lock:
            self._in_flight.add(shard.key)
        spawn_background(
            self._run, scope, mapping, function, shard, records, wanted, thread_name="stream-batch"
        )
        return True

    def _run(
        self,
        scope: tuple[str, str],
        mapping: Record,
        function: Record,
        shard: Shard,
        records: list[Record],
        wanted: list[Record],
    ) -> None:
        from ministack.core.concurrency import esm_wake
        from ministack.services import lambda_svc

        try:
            with self._request_scope(*scope):
                position = shard.position()
                answer = lambda_svc._execute_function(function, {"Records": wanted})
                result = BatchResult(
                    answer.get("body"), bool(answer.get("error")), bool(answer.get("throttle"))
                )
                age = time.time() - min(shard.created(record) for record in wanted)
                decision = self._progress[shard.key].decide(wanted, result, age=age)
                if decision.given_up:
                    lambda_svc._send_ddb_stream_failure_record(
                        mapping,
                        function,
                        wanted,
                        mapping["EventSourceArn"],
                        answer,
                        decision.given_up,
                    )
                shard.move(position + _raw_count(records, wanted, decision.done))
                self._not_before[shard.key] = time.monotonic() + decision.delay
                whole = decision.done == len(wanted) and not decision.given_up
                mapping["LastProcessingResult"] = "OK" if whole else "PROBLEM: Function call failed"
                if not whole:
                    logger.warning(
                        "%s: %d of %d records were processed; %s: %s",
                        mapping["FunctionName"],
                        0 if decision.given_up else decision.done,
                        len(wanted),
                        decision.given_up or f"next attempt in {decision.delay:.1f} s",
                        result.payload,
                    )
        finally:
            with self._lock:
                self._in_flight.discard(shard.key)
            esm_wake.set()


def _raw_count(records: list[Record], wanted: list[Record], done: int) -> int:
    """How many of all records are done when the first ``done`` of the wanted ones are."""
    return len(records) if done == len(wanted) else records.index(wanted[done])


def _poll(readers: _Readers, shards_of: Callable[[Record], Iterator[Shard]]) -> Callable[[], bool]:
    from ministack.core.responses import request_scope
    from ministack.services import lambda_svc

    def poll() -> bool:
        busy = False
        for account_id, region, mapping in lambda_svc._iter_all_esms():
            if not mapping.get("Enabled", True):
                continue
            with request_scope(account_id, region):
                function, _ = lambda_svc._get_func_record_for_qualifier(
                    mapping["FunctionName"], mapping.get("Qualifier")
                )
                if function is None:
                    continue
                for shard in shards_of(mapping):
                    busy |= readers.step((account_id, region), mapping, function, shard)
        return busy

    return poll


def _table_shards(mapping: Record) -> Iterator[Shard]:
    """The one shard of a table's stream, when the mapping has a table as its source."""
    from ministack.services import dynamodb, lambda_svc

    source = mapping.get("EventSourceArn", "")
    if ":dynamodb:" not in source or "/stream/" not in source:
        return
    table_name = source.split("/stream/")[0].rsplit("/", 1)[-1]
    table = dynamodb._tables.get(table_name)
    if not table or table.get("LatestStreamArn") != source:
        return
    mapping_id, positions = mapping["UUID"], lambda_svc._dynamodb_stream_positions

    def position() -> int:
        horizon = int(dynamodb.stream_start_position(table_name))
        if mapping_id not in positions:
            from_start = mapping.get("StartingPosition") == "TRIM_HORIZON"
            end = int(dynamodb.stream_end_position(table_name))
            positions[mapping_id] = horizon if from_start else end
        return max(int(positions[mapping_id]), horizon)

    def move(to: int) -> None:
        if mapping_id in lambda_svc._esms:
            positions[mapping_id] = to

    yield Shard(
        key=(mapping_id, "0"),
        read=lambda start, size: dynamodb.stream_records_since(table_name, start, size),
        position=position,
        move=move,
        created=lambda record: float(record["dynamodb"]["ApproximateCreationDateTime"]),
    )


def _stream_shards(mapping: Record) -> Iterator[Shard]:
    """The shards of a Kinesis stream, when the mapping has one as its source."""
    from ministack.services import kinesis, lambda_svc

    source = mapping.get("EventSourceArn", "")
    if ":kinesis:" not in source:
        return
    _, _, _, region, account_id, name = source.split(":", 5)
    stream = kinesis._streams.get_scoped(account_id, region, name.removeprefix("stream/"))
    if not stream or stream.get("StreamStatus") != "ACTIVE":
        return
    from_start = mapping.get("StartingPosition") == "TRIM_HORIZON"
    positions = lambda_svc._kinesis_positions.setdefault(mapping["UUID"], {})
    for shard_id, shard in list(stream["shards"].items()):
        positions.setdefault(shard_id, 0 if from_start else len(shard["records"]))
        yield _kinesis_shard(mapping, shard_id, shard["records"], positions)


def _kinesis_shard(
    mapping: Record, shard_id: str, records: list[Record], positions: dict[str, int]
) -> Shard:
    def read(start: int, size: int) -> list[Record]:
        return [_kinesis_event(mapping, shard_id, each) for each in records[start : start + size]]

    def move(to: int) -> None:
        positions[shard_id] = to

    return Shard(
        key=(mapping["UUID"], shard_id),
        read=read,
        position=lambda: positions[shard_id],
        move=move,
        created=lambda record: float(record["kinesis"]["approximateArrivalTimestamp"]),
    )


def _kinesis_event(mapping: Record, shard_id: str, record: Record) -> Record:
    """https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html (example event)."""
    from ministack.services import kinesis

    source = mapping["EventSourceArn"]
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record["PartitionKey"],
            "sequenceNumber": record["SequenceNumber"],
            "data": kinesis._ensure_base64(record["Data"]),
            "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"],
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard_id}:{record['SequenceNumber']}",
        "eventName": "aws:kinesis:record",
        "awsRegion": source.split(":")[3],
        "eventSourceARN": source,
    }
