"""The rules by which a mapping gets through a shard."""

from __future__ import annotations

from typing import Any

import pytest

from trunkline_localcloud.stream_batches import (
    BatchResult,
    Decision,
    RetryRules,
    ShardProgress,
)

_BATCH: list[dict[str, Any]] = [
    {"dynamodb": {"SequenceNumber": str(number)}} for number in range(1, 5)
]
_FAILED = BatchResult({"errorType": "ValueError"}, failed=True)


def _reported(*identifiers: Any) -> BatchResult:
    failures = [{"itemIdentifier": each} for each in identifiers]
    return BatchResult({"batchItemFailures": failures}, failed=False)


@pytest.mark.parametrize(
    "result",
    [
        BatchResult(None, failed=False),
        BatchResult({}, failed=False),
        BatchResult({"batchItemFailures": []}, failed=False),
        BatchResult({"batchItemFailures": None}, failed=False),
    ],
)
def test_nothing_reported_is_success(result: BatchResult) -> None:
    """An answer that names no failed item finishes the batch."""
    progress = ShardProgress(RetryRules(partial=True))
    assert progress.decide(_BATCH, result, age=0) == Decision(4)


def test_lowest_reported_item_is_the_checkpoint() -> None:
    """Everything before the first failed record is done, the rest is tried again."""
    progress = ShardProgress(RetryRules(partial=True))
    assert progress.decide(_BATCH, _reported("4", "3"), age=0).done == 2


@pytest.mark.parametrize("identifier", ["", None, "unknown"])
def test_unclear_report_fails_the_batch(identifier: Any) -> None:
    """An item that cannot be told fails the whole batch."""
    progress = ShardProgress(RetryRules(partial=True))
    assert progress.decide(_BATCH, _reported(identifier), age=0).done == 0


def test_report_is_ignored_unless_the_mapping_asks_for_it() -> None:
    """Without ReportBatchItemFailures an answer is just an answer."""
    assert ShardProgress(RetryRules()).decide(_BATCH, _reported("1"), age=0) == Decision(4)


def test_retries_run_out() -> None:
    """After the configured number of retries the batch is given up."""
    progress = ShardProgress(RetryRules(retries=2))
    decisions = [progress.decide(_BATCH, _FAILED, age=0) for _ in range(3)]
    assert [each.done for each in decisions] == [0, 0, 4]
    assert decisions[2].given_up == "RetryAttemptsExhausted"


def test_records_grow_too_old() -> None:
    """A failing batch whose oldest record is too old is given up."""
    decision = ShardProgress(RetryRules(age=60)).decide(_BATCH, _FAILED, age=61)
    assert decision == Decision(4, "MaxRecordAgeExceeded")


def test_bisecting_isolates_a_record() -> None:
    """A failed batch is split until a single record fails, which then uses up the retries."""
    progress = ShardProgress(RetryRules(retries=0, bisect=True))
    sizes = []
    batch = _BATCH
    while not (decision := progress.decide(batch, _FAILED, age=0)).given_up:
        batch = _BATCH[: progress.batch_size(100)]
        sizes.append(len(batch))
    assert sizes == [2, 1]
    assert decision == Decision(1, "RetryAttemptsExhausted")


def test_throttling_is_no_attempt() -> None:
    """A function that could not be run does not use up retries."""
    progress = ShardProgress(RetryRules(retries=0))
    throttled = BatchResult(None, failed=True, throttled=True)
    assert progress.decide(_BATCH, throttled, age=0).given_up is None


def test_retries_wait_longer_and_longer() -> None:
    """Retries are spaced out, up to a few seconds."""
    progress = ShardProgress(RetryRules())
    delays = [progress.decide(_BATCH, _FAILED, age=0).delay for _ in range(8)]
    assert delays == sorted(delays)
    assert delays[-1] == 5.0
