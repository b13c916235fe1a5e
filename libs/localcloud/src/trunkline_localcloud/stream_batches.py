"""How far an event source mapping gets with each batch of a stream's shard.

The rules are those of Lambda's mappings for DynamoDB streams and Kinesis
(https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html,
https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["BatchResult", "Decision", "RetryRules", "ShardProgress", "sequence_number"]

_FIRST_DELAY_SECONDS = 0.2
_LONGEST_DELAY_SECONDS = 5.0

Record = dict[str, Any]


@dataclass(frozen=True)
class RetryRules:
    """What a mapping says about failures."""

    retries: int | None = None
    """How often a failed batch is tried again; None for as long as its records live."""
    age: float | None = None
    """Seconds after which a failing batch is given up; None for never."""
    bisect: bool = False
    """Whether a failed batch is split in two."""
    partial: bool = False
    """Whether the function reports the items that failed."""

    @classmethod
    def of_mapping(cls, mapping: dict[str, Any]) -> RetryRules:
        """Read a mapping in the shape that GetEventSourceMapping answers."""
        return cls(
            retries=_limit(mapping.get("MaximumRetryAttempts")),
            age=_limit(mapping.get("MaximumRecordAgeInSeconds")),
            bisect=bool(mapping.get("BisectBatchOnFunctionError")),
            partial="ReportBatchItemFailures" in (mapping.get("FunctionResponseTypes") or ()),
        )


@dataclass(frozen=True)
class BatchResult:
    """What came of invoking the function with a batch."""

    payload: Any
    failed: bool
    throttled: bool = False
    """The function was not run at all, which counts as no attempt."""


@dataclass(frozen=True)
class Decision:
    """What to do next."""

    done: int
    """How many records of the batch never need to be looked at again."""
    given_up: str | None = None
    """Why the batch was given up, as the destination's record words it."""
    delay: float = 0.0
    """Seconds to wait before the next batch."""


@dataclass
class ShardProgress:
    """The attempts at the batch that a shard is at."""

    rules: RetryRules
    attempts: int = field(default=0, init=False)
    limit: int | None = field(default=None, init=False)
    """Size of the next batch, while a failed one is being split."""

    def batch_size(self, configured: int) -> int:
        """How many records the next batch may have."""
        return min(configured, self.limit) if self.limit else configured

    def decide(self, batch: Sequence[Record], result: BatchResult, *, age: float) -> Decision:
        """What follows from ``result``.

        Args:
            batch: The records that the function got.
            result: What it made of them.
            age: Seconds since the oldest record was written.
        """
        if result.throttled:
            return Decision(0, delay=_FIRST_DELAY_SECONDS)
        done = self._succeeded(batch, result)
        if done == len(batch):
            self._restart()
            return Decision(done)
        if done:
            self._restart()
        self.attempts += 1
        if self.rules.age is not None and age > self.rules.age:
            self._restart()
            return Decision(len(batch), "MaxRecordAgeExceeded")
        if self.rules.bisect and len(batch) - done > 1:
            self.limit = (len(batch) - done + 1) // 2
            self.attempts = 0
            return Decision(done)
        if self.rules.retries is not None and self.attempts > self.rules.retries:
            self._restart()
            return Decision(len(batch), "RetryAttemptsExhausted")
        delay = min(_LONGEST_DELAY_SECONDS, _FIRST_DELAY_SECONDS * 2 ** min(self.attempts, 10))
        return Decision(done, delay=delay)

    def _succeeded(self, batch: Sequence[Record], result: BatchResult) -> int:
        """How many records from the start of the batch were processed."""
        if result.failed:
            return 0
        if not self.rules.partial or not result.payload:
            return len(batch)
        if not isinstance(result.payload, dict):
            return 0
        failures = result.payload.get("batchItemFailures") or []
        positions = {sequence_number(record): index for index, record in enumerate(batch)}
        found = [positions.get(_identifier(failure)) for failure in failures]
        return min((0 if index is None else index for index in found), default=len(batch))

    def _restart(self) -> None:
        self.attempts = 0
        self.limit = None


def sequence_number(record: Record) -> str:
    """The identifier by which a function reports a record of a stream."""
    if "kinesis" in record:
        return str(record["kinesis"]["sequenceNumber"])
    return str(record["dynamodb"]["SequenceNumber"])


def _identifier(failure: Any) -> str:
    return str(failure.get("itemIdentifier", "")) if isinstance(failure, dict) else ""


def _limit(value: Any) -> int | None:
    """A limit of a mapping, where nothing and -1 mean none."""
    return None if value is None or int(value) < 0 else int(value)
