"""Several records at once, conditions, many keys, pages, and records whose time has passed."""

# ruff: noqa: PT012 - it is the end of a transaction's block that raises
from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline import Api, Event, Model, Service, query
from trunkline.aws import clients
from trunkline.errors import (
    DeclarationError,
    InvalidRequest,
    InvalidTransaction,
    RecordChanged,
    Unavailable,
    UndeclaredUse,
)
from trunkline.invocation import Invocation, running
from trunkline.tables.pages import read_cursor, write_cursor
from trunkline.testing import ServiceHarness
from trunkline.testing.clock import MovableClock
from trunkline.testing.deadline import far_away


class Seat(Model):
    """A seat in a room."""

    room: str
    number: str
    guest: str = ""
    sequence: int = 0
    since: datetime | None = None


class Hold(Model):
    """A seat that is held for a while."""

    guest: str
    until: int | None = None


class SeatTaken(Event, version=1, service="theatre"):
    """Somebody took a seat."""

    number: str


class TheatreApi(Api, version=1, service="theatre"):
    """Look."""

    @query("GET", "/look")
    def look(self) -> None:
        """Look."""


service = Service("theatre", entry="-")
seats = service.table("seats", Seat, key="room", sort="number")
holds = service.table("holds", Hold, key="guest", ttl="until")


@service.implements(TheatreApi.look, uses=[seats.write, holds.write, SeatTaken])
def look() -> None:
    """Makes the service one that emits."""


@pytest.fixture
def theatre() -> Iterator[ServiceHarness]:
    """The service with nothing stored."""
    with ServiceHarness(service) as harness:
        yield harness


def seat(number: int, **values: Any) -> Seat:
    return Seat(room="a", number=f"{number:03}", **values)


def test_a_transaction_stores_everything(theatre: ServiceHarness) -> None:
    """Records of several tables and what they emit, at once."""
    hold = holds.put(Hold(guest="ann"))
    with service.transaction() as transaction:
        taken = seat(1, guest="ann")
        transaction.put(seats, taken, emit=[SeatTaken(number="001")])
        transaction.delete(holds, hold)
    assert seats.get("a", "001") == taken
    assert holds.get("ann") is None
    assert theatre.emitted() == [SeatTaken(number="001")]
    seats.put(taken)  # it knows that it is stored


def test_a_transaction_stores_nothing_if_one_record_has_changed(theatre: ServiceHarness) -> None:
    """The error names the record, the others stay as they were."""
    hold = holds.put(Hold(guest="ann"))
    seats.put(seat(1, guest="bob"))
    late = seat(1, guest="ann")
    with pytest.raises(RecordChanged) as caught, service.transaction() as transaction:
        transaction.delete(holds, hold)
        transaction.put(seats, late)
        transaction.emit(SeatTaken(number="001"))
    assert caught.value.record is late
    assert "ann" not in str(caught.value.detail)
    assert holds.get("ann") == hold
    assert theatre.emitted() == []
    holds.delete(hold)  # it still knows what it was read from


def test_an_error_in_the_block_stores_nothing(theatre: ServiceHarness) -> None:
    """Writes are collected until the block ends well."""
    with pytest.raises(KeyError), service.transaction() as transaction:
        transaction.put(seats, seat(1))
        raise KeyError
    assert seats.get("a", "001") is None


def test_an_empty_transaction_does_nothing(theatre: ServiceHarness) -> None:
    """Not even a request."""
    with service.transaction():
        pass


def test_a_transaction_may_only_emit(theatre: ServiceHarness) -> None:
    """Facts without a record are stored together too."""
    with service.transaction() as transaction:
        transaction.emit(SeatTaken(number="1"), SeatTaken(number="2"))
    assert len(theatre.emitted()) == 2


def test_a_transaction_has_at_most_a_hundred_parts(theatre: ServiceHarness) -> None:
    """Messages count; the limit is named, and nothing is stored."""
    with service.transaction() as transaction:
        for number in range(99):
            transaction.put(seats, seat(number))
        transaction.emit(SeatTaken(number="1"))
    assert len(seats.query("a")) == 99
    with (
        pytest.raises(InvalidTransaction, match=r"101 writes and messages; .* at most 100"),
        service.transaction() as transaction,
    ):
        for number in range(100, 200):
            transaction.put(seats, seat(number))
        transaction.emit(SeatTaken(number="1"))
    assert len(seats.query("a")) == 99


def test_a_record_is_written_once_in_a_transaction(theatre: ServiceHarness) -> None:
    """DynamoDB takes no two writes of one item; this says so before it does."""
    with (
        pytest.raises(InvalidTransaction, match="'seats': a record is written twice"),
        service.transaction() as transaction,
    ):
        transaction.put(seats, seat(1))
        transaction.replace(seats, seat(1))


def test_a_transaction_is_bound_by_uses(theatre: ServiceHarness) -> None:
    """What `uses` does not name cannot be written by the side door."""
    with running(Invocation("theatre", "api", "handler", far_away())):
        transaction = service.transaction()
        for attempt in (
            lambda: transaction.put(seats, seat(1)),
            lambda: transaction.replace(seats, seat(1)),
            lambda: transaction.delete(seats, seat(1)),
            lambda: transaction.emit(SeatTaken(number="1")),
            lambda: holds.put(Hold(guest="ann"), emit=[SeatTaken(number="1")]),
        ):
            with pytest.raises(UndeclaredUse):
                attempt()


def test_replacing_asks_for_nothing(theatre: ServiceHarness) -> None:
    """Whatever is stored gives way, and whoever had read it is told."""
    seats.replace(seat(1, guest="ann"))
    stale = seats.get("a", "001")
    assert stale is not None
    written = seats.replace(seat(1, guest="bob"))
    with pytest.raises(RecordChanged):
        seats.put(stale)
    seats.put(written.model_copy(update={"guest": "eve"}))
    found = seats.get("a", "001")
    assert found is not None
    assert found.guest == "eve"


def test_replacing_only_if(theatre: ServiceHarness) -> None:
    """A late message with an old sequence does not overwrite; the first one may find nothing."""
    newer = lambda record: seats.field("sequence") < record.sequence  # noqa: E731
    for sequence in (5, 3, 5, 6):
        record = seat(1, sequence=sequence)
        if sequence in (5, 6) and (seats.get("a", "001") or seat(1)).sequence < sequence:
            seats.replace(record, only_if=newer(record), emit=[SeatTaken(number="1")])
        else:
            with pytest.raises(RecordChanged):
                seats.replace(record, only_if=newer(record))
    assert len(theatre.emitted()) == 2


@pytest.mark.parametrize(
    ("condition", "holds_"),
    [
        (seats.field("sequence") == 5, True),
        (seats.field("sequence") != 5, False),
        (seats.field("sequence") <= 5, True),
        (seats.field("sequence") > 4, True),
        (seats.field("sequence") >= 6, False),
        ((seats.field("sequence") == 5) & (seats.field("guest") == "ann"), True),
        ((seats.field("sequence") == 5) & (seats.field("guest") == "bob"), False),
        (seats.field("since") < datetime(2027, 1, 1, tzinfo=UTC), True),
    ],
)
def test_conditions_compare_as_stored(
    theatre: ServiceHarness, condition: Any, holds_: bool
) -> None:
    """Each comparison, joined ones, and values that are stored in another form."""
    seats.put(seat(1, sequence=5, guest="ann", since=datetime(2026, 1, 1, tzinfo=UTC)))
    if holds_:
        seats.replace(seat(1), only_if=condition)
    else:
        with pytest.raises(RecordChanged):
            seats.replace(seat(1), only_if=condition)


def test_a_condition_needs_a_field() -> None:
    """A field that the model does not have is named with those that it has."""
    with pytest.raises(DeclarationError, match="no field 'sequenz'; there are: room, number"):
        seats.field("sequenz")


def test_many_keys_in_their_order(theatre: ServiceHarness) -> None:
    """More than one request holds, duplicates and gaps included."""
    for number in range(120):
        seats.put(seat(number))
    keys = [("a", f"{number:03}") for number in (7, 500, *range(120), 7)]
    found = seats.get_many(keys)
    assert [None if record is None else record.number for record in found] == [
        "007",
        None,
        *(f"{number:03}" for number in range(120)),
        "007",
    ]
    assert holds.get_many(["ann"]) == [None]
    assert seats.get_many([]) == []


def test_many_keys_are_asked_for_again_until_all_are_there(
    theatre: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DynamoDB may leave keys for another request; it is asked a few times, then it is busy."""
    for number in range(3):
        seats.put(seat(number))
    dynamodb = clients.client("dynamodb")
    batch = dynamodb.batch_get_item

    def one_at_a_time(*, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        ((table, request),) = RequestItems.items()
        keys = request["Keys"]
        answer: dict[str, Any] = batch(RequestItems={table: {**request, "Keys": keys[:1]}})
        if keys[1:]:
            answer["UnprocessedKeys"] = {table: {"Keys": keys[1:]}}
        return answer

    monkeypatch.setattr(dynamodb, "batch_get_item", one_at_a_time)
    found = seats.get_many([("a", "002"), ("a", "000"), ("a", "001")])
    assert [record and record.number for record in found] == ["002", "000", "001"]
    with pytest.raises(Unavailable, match="too busy"):
        seats.get_many([("a", f"{number:03}") for number in range(9)])


def test_a_range_of_sort_keys(theatre: ServiceHarness) -> None:
    """Both ends belong to it."""
    for number in range(6):
        seats.put(seat(number))
    found = seats.query("a", between=("001", "003"), descending=True)
    assert [record.number for record in found] == ["003", "002", "001"]
    with pytest.raises(TypeError, match="not both"):
        seats.query("a", between=("001", "003"), prefix="0")
    with pytest.raises(TypeError, match="no sort key"):
        holds.get_many([("ann", "x")])


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 5, 6, 100])
def test_pages_hold_each_record_once(theatre: ServiceHarness, limit: int, descending: bool) -> None:
    """In order, whatever their size, and the last one says that it is the last."""
    for number in range(6):
        seats.put(seat(number))
    found, cursor, pages = [], None, 0
    while True:
        page = seats.page("a", cursor=cursor, limit=limit, descending=descending, prefix="0")
        found.extend(record.number for record in page.records)
        cursor, pages = page.cursor, pages + 1
        if cursor is None:
            break
    assert found == sorted(found, reverse=descending)
    assert len(found) == 6
    assert pages == -(-6 // limit)


def test_pages_go_on_where_a_record_was_deleted(theatre: ServiceHarness) -> None:
    """A cursor says a place, not a record."""
    for number in range(4):
        seats.put(seat(number))
    page = seats.page("a", limit=2)
    seats.delete(page.records[-1])
    assert [record.number for record in seats.page("a", cursor=page.cursor).records] == [
        "002",
        "003",
    ]


def test_a_page_has_limits(theatre: ServiceHarness) -> None:
    """Of size, and only where there is an order."""
    for limit in (0, 101):
        with pytest.raises(ValueError, match="1 to 100 records"):
            seats.page("a", limit=limit)
    with pytest.raises(TypeError, match="no pages"):
        holds.page("ann")


@given(sort=st.text(min_size=1), partition=st.text(), other=st.text())
def test_a_cursor_is_good_for_its_own_list_only(sort: str, partition: str, other: str) -> None:
    """It leads back to its place, and nowhere in another partition, range or direction."""
    cursor = write_cursor(("s", "t", partition, None, False), sort)
    assert read_cursor(("s", "t", partition, None, False), cursor) == sort
    for listing in (
        ("s", "t", partition, None, True),
        ("s", "t", partition, "p", False),
        ("s", "u", partition, None, False),
        *([("s", "t", other, None, False)] if other != partition else []),
    ):
        with pytest.raises(InvalidRequest):
            read_cursor(listing, cursor)


@given(cursor=st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_a_made_up_cursor_is_refused(cursor: str) -> None:
    """Whatever a client sends, it is told which field is wrong."""
    with pytest.raises(InvalidRequest) as caught:
        read_cursor(("s", "t", "p", None, False), cursor)
    assert caught.value.errors[0]["field"] == "cursor"


def test_a_record_whose_time_has_passed_is_absent(theatre: ServiceHarness) -> None:
    """DynamoDB deletes it within days; nobody sees it, and its key is free, at once."""
    clock = MovableClock()
    with clock.ticking():
        holds.put(Hold(guest="ann", until=int(clock.time()) + 10))
        holds.put(Hold(guest="bob"))
        assert holds.get("ann") is not None
        with pytest.raises(RecordChanged):
            holds.put(Hold(guest="ann"))
        clock.advance(11)
        assert holds.get("ann") is None
        assert holds.query("ann") == []
        assert [record is None for record in holds.get_many(["ann", "bob"])] == [True, False]
        never = holds.field("guest") == "nobody"
        holds.replace(Hold(guest="ann", until=int(clock.time()) + 10), only_if=never)
        with pytest.raises(RecordChanged):
            holds.replace(Hold(guest="ann"), only_if=never)
        clock.advance(11)
        holds.put(Hold(guest="ann"))
        assert holds.get("ann") is not None


def test_a_time_to_live_is_in_seconds() -> None:
    """DynamoDB ignores any other type, silently; the declaration does not."""
    with pytest.raises(DeclarationError, match="'since' must be int"):
        Service("x").table("seats", Seat, key="room", ttl="since")
