"""Idempotency records: DynamoDB's keep to the reference, whatever happens in whatever order."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from records_table import WithRecordsTable, records_table

from trunkline.aws import clients
from trunkline.errors import InternalError, LockLost
from trunkline.idempotency import Different, Done, Lock, Running
from trunkline.idempotency.aws import DynamoStore
from trunkline.idempotency.keys import digest, message_key, request_key
from trunkline.testing import MemoryStore


class Clock:
    """A clock that tests turn."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class StoreMachine(RuleBasedStateMachine):
    """Attempts race for keys, finish, fail, die and come late, in both stores at once."""

    _examples = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        self.example = next(self._examples)
        self.clock = Clock()
        self.reference = MemoryStore(self.clock)
        self.store = DynamoStore(clock=self.clock)
        self.held: list[tuple[Lock, Lock]] = []
        self.done: dict[str, set[str]] = {}

    @rule(key=st.sampled_from("ab"), payload=st.sampled_from("xy"), seconds=st.integers(1, 10))
    def acquire(self, key: str, payload: str, seconds: int) -> None:
        """Both stores grant or refuse alike."""
        key = f"{self.example}-{key}"
        args = {"lock_seconds": float(seconds), "keep_seconds": 60.0}
        expected = self.reference.acquire(key, payload, **args)
        actual = self.store.acquire(key, payload, **args)
        assert type(expected) is type(actual)
        if isinstance(expected, Lock) and isinstance(actual, Lock):
            self.held.append((expected, actual))
        elif isinstance(expected, Done) and isinstance(actual, Done):
            assert expected == actual
        elif isinstance(expected, Running) and isinstance(actual, Running):
            assert abs(expected.seconds_left - actual.seconds_left) < 0.01

    @rule(index=st.integers(0, 20), result=st.sampled_from([None, "one", "two"]))
    def complete(self, index: int, result: str | None) -> None:
        """Whoever lost its lock is told so, and changes nothing."""
        if not self.held:
            return
        first, second = self.held[index % len(self.held)]
        lost = []
        for store, lock in ((self.reference, first), (self.store, second)):
            try:
                store.complete(lock, result, keep_seconds=60.0)  # type: ignore[attr-defined]
            except LockLost as error:
                lost.append(error.key)
        assert len(lost) in (0, 2)

    @rule(index=st.integers(0, 20))
    def release(self, index: int) -> None:
        """A lock can be given back at any time, also one that is long lost."""
        if self.held:
            first, second = self.held[index % len(self.held)]
            self.reference.release(first)
            self.store.release(second)

    @rule(seconds=st.integers(0, 40))
    def wait(self, seconds: int) -> None:
        """Time passes: locks end, records expire."""
        self.clock.now += seconds

    @invariant()
    def one_lock_at_a_time(self) -> None:
        """No two attempts hold tokens that both could complete."""
        tokens = [lock.token for _, lock in self.held]
        assert len(tokens) == len(set(tokens))


StoreMachine.TestCase.settings = settings(stateful_step_count=10)


class TestStore(WithRecordsTable, StoreMachine.TestCase):
    """DynamoDB's store does what the reference does."""


@pytest.fixture
def store() -> Iterator[DynamoStore]:
    """A store on an empty table."""
    with records_table():
        yield DynamoStore()


def test_a_lock_ends_with_its_invocation() -> None:
    """A dead holder's lock is free once its invocation must have ended, not earlier."""
    clock = Clock()
    store = MemoryStore(clock)
    store.acquire("k", "", lock_seconds=10, keep_seconds=100)
    clock.now += 9.9
    assert isinstance(store.acquire("k", "", lock_seconds=10, keep_seconds=100), Running)
    clock.now += 0.2
    assert isinstance(store.acquire("k", "", lock_seconds=10, keep_seconds=100), Lock)


def test_late_finisher_cannot_overwrite(store: DynamoStore) -> None:
    """An attempt that outlived its lock is fenced off, also after its successor has finished."""
    first = store.acquire("k", "", lock_seconds=-1, keep_seconds=100)
    second = store.acquire("k", "", lock_seconds=10, keep_seconds=100)
    assert isinstance(first, Lock)
    assert isinstance(second, Lock)
    with pytest.raises(LockLost):
        store.complete(first, "late", keep_seconds=100)
    store.complete(second, "right", keep_seconds=100)
    with pytest.raises(LockLost):
        store.complete(first, "late", keep_seconds=100)
    store.release(first)
    assert store.acquire("k", "", lock_seconds=1, keep_seconds=100) == Done("right")


def test_completing_twice_is_harmless(store: DynamoStore) -> None:
    """A completion whose answer got lost may be sent again."""
    lock = store.acquire("k", "", lock_seconds=10, keep_seconds=100)
    assert isinstance(lock, Lock)
    store.complete(lock, "r", keep_seconds=100)
    store.complete(lock, "r", keep_seconds=100)
    assert store.acquire("k", "", lock_seconds=1, keep_seconds=100) == Done("r")


def test_other_payload_is_told_apart_even_after_a_crash(store: DynamoStore) -> None:
    """An ended lock is only handed over to the same payload: the first may have had its effect."""
    store.acquire("k", "one", lock_seconds=-1, keep_seconds=100)
    assert store.acquire("k", "two", lock_seconds=1, keep_seconds=100) == Different()
    assert isinstance(store.acquire("k", "one", lock_seconds=1, keep_seconds=100), Lock)


def test_keys_of_callers_and_operations_never_meet() -> None:
    """The same header value means different records for different callers and operations."""
    keys = {
        request_key("place", "customer:1", "k"),
        request_key("place", "customer:2", "k"),
        request_key("cancel", "customer:1", "k"),
        message_key("place", "s", "k"),
        message_key("place", "t", "k"),
    }
    assert len(keys) == 5


def test_digest_ignores_the_order_of_fields() -> None:
    """The same payload is the same whatever order its fields come in."""
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest({"a": 1}) != digest({"a": "1"})


def random_text(size: int) -> str:
    """Text that compression cannot make small."""
    return hashlib.shake_128(b"").hexdigest(size // 2)


@pytest.mark.parametrize(
    "result",
    ["", "x" * 1_000_000, random_text(300_000), random_text(300_002), random_text(6_000_000)],
    ids=["empty", "repetitive", "largest whole", "smallest in parts", "largest of Lambda"],
)
def test_a_result_of_any_size_comes_back(store: DynamoStore, result: str) -> None:
    """An item holds 400 KB, an answer of Lambda 6 MB: it comes back whole, from several items."""
    lock = store.acquire("k", "", lock_seconds=10, keep_seconds=100)
    assert isinstance(lock, Lock)
    store.complete(lock, result, keep_seconds=100)
    assert store.acquire("k", "", lock_seconds=1, keep_seconds=100) == Done(result)


def test_a_late_finishers_large_result_does_not_mix(store: DynamoStore) -> None:
    """The parts of an attempt that lost its lock are not its successor's."""
    first = store.acquire("k", "", lock_seconds=-1, keep_seconds=100)
    second = store.acquire("k", "", lock_seconds=10, keep_seconds=100)
    assert isinstance(first, Lock)
    assert isinstance(second, Lock)
    right, late = random_text(400_000), random_text(400_002)
    store.complete(second, right, keep_seconds=100)
    with pytest.raises(LockLost):
        store.complete(first, late, keep_seconds=100)
    assert store.acquire("k", "", lock_seconds=1, keep_seconds=100) == Done(right)


def test_a_large_result_that_lost_a_part_is_no_result(store: DynamoStore) -> None:
    """Half an answer would be a lie, and running again a second effect: it is an error."""
    lock = store.acquire("k", "", lock_seconds=10, keep_seconds=100)
    assert isinstance(lock, Lock)
    store.complete(lock, random_text(400_000), keep_seconds=100)
    dynamodb = clients.client("dynamodb")
    part = next(
        item for item in dynamodb.scan(TableName="records")["Items"] if item["id"]["S"] != "k"
    )
    dynamodb.delete_item(TableName="records", Key={"id": part["id"]})
    with pytest.raises(InternalError):
        store.acquire("k", "", lock_seconds=1, keep_seconds=100)
