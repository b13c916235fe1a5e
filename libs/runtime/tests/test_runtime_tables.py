"""Tables: typed records, optimistic locking, state and events in one transaction."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, DecimalException
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline import Model, Money
from trunkline.aws import clients
from trunkline.aws.items import from_item, to_item
from trunkline.contracts.model import Revision
from trunkline.errors import Conflict, DeclarationError, UndeclaredUse
from trunkline.invocation import Invocation, running
from trunkline.tables import Table
from trunkline.testing import ServiceHarness
from trunkline.testing.deadline import far_away


class Note(Model):
    """A record with all sorts of fields."""

    note_id: str
    at: datetime | None = None
    weight: float = 0.5
    price: Money | None = None
    tags: tuple[str, ...] = ()
    exact: Decimal = Decimal("0.10")


@pytest.fixture
def notes(shop: ServiceHarness, monkeypatch: pytest.MonkeyPatch) -> Table[Note]:
    """An empty table of notes."""
    clients.client("dynamodb").create_table(
        TableName="notes",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "note_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "note_id", "AttributeType": "S"}],
    )
    monkeypatch.setenv("TRUNKLINE_TABLE_NOTES", "notes")
    return Table("shop", "notes", Note, key="note_id")


def test_record_comes_back_as_it_was(notes: Table[Note]) -> None:
    """Every field survives the way through DynamoDB with its type."""
    note = Note(
        note_id="1",
        at=datetime(2026, 1, 2, 3, 4, 5, 600, UTC),
        weight=0.1,
        price=Money(amount=199, currency="EUR"),
        tags=("a", "b"),
        exact=Decimal("12.340"),
    )
    notes.put(note)
    found = notes.get("1")
    assert found == note
    assert found is not None
    assert isinstance(found.tags, tuple)


def test_missing_record_is_none(notes: Table[Note]) -> None:
    """A key that is not there gives None."""
    assert notes.get("nothing") is None


def test_new_record_does_not_overwrite(notes: Table[Note]) -> None:
    """A record that was never stored conflicts with one of the same key."""
    notes.put(Note(note_id="1"))
    with pytest.raises(Conflict):
        notes.put(Note(note_id="1", weight=2))


def test_stale_record_does_not_overwrite(notes: Table[Note]) -> None:
    """Of two readers who write, the second is told that the state has changed."""
    notes.put(Note(note_id="1"))
    mine, yours = notes.get("1"), notes.get("1")
    assert mine is not None
    assert yours is not None
    notes.put(mine.model_copy(update={"weight": 1.0}))
    with pytest.raises(Conflict):
        notes.put(yours.model_copy(update={"weight": 2.0}))
    found = notes.get("1")
    assert found is not None
    assert found.weight == 1.0


def test_stored_record_can_be_written_again(notes: Table[Note]) -> None:
    """A record knows after a write that it is stored."""
    note = notes.put(Note(note_id="1"))
    notes.put(note)
    notes.delete(note)
    assert notes.get("1") is None
    notes.put(note)


def test_stale_record_cannot_be_deleted(notes: Table[Note]) -> None:
    """Deleting, too, wants the state that was read."""
    note = notes.put(Note(note_id="1"))
    stale = note.model_copy(deep=True)
    notes.put(note)
    with pytest.raises(Conflict):
        notes.delete(stale)


def test_repeated_request_knows_its_own_write(
    notes: Table[Note], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the answer to a write gets lost and the SDK sends it again, that is no conflict."""
    dynamodb = clients.client("dynamodb")
    once = dynamodb.put_item

    def twice(**request: object) -> object:
        once(**request)
        return once(**request)

    monkeypatch.setattr(dynamodb, "put_item", twice)
    assert notes.put(Note(note_id="1")).note_id == "1"


def test_state_and_events_are_stored_together_or_not_at_all(shop: ServiceHarness) -> None:
    """When the state conflicts, no event is stored."""
    from shop_contract import OrderPlaced
    from shop_service import Order, orders

    order = Order(order_id="1", sku="a", quantity=1, placed_by="x")
    event = OrderPlaced(order_id="1", total=Money(amount=1, currency="EUR"))
    orders.put(order, emit=[event])
    assert shop.emitted() == [event]
    with pytest.raises(Conflict):
        orders.put(Order(**order.model_dump()), emit=[event, event])
    assert shop.emitted() == [event]
    orders.delete(order, emit=[event])
    assert orders.get("1") is None
    assert shop.emitted() == [event, event]


def test_query_gives_a_partition_in_order(shop: ServiceHarness) -> None:
    """Records come by their sort key, either way, limited, or by its beginning."""
    from shop_service import Line, lines

    for order_id in ("b2", "a1", "b1"):
        lines.put(Line(sku="x", order_id=order_id, quantity=1))
    lines.put(Line(sku="y", order_id="c", quantity=1))
    assert [line.order_id for line in lines.query("x")] == ["a1", "b1", "b2"]
    assert [line.order_id for line in lines.query("x", descending=True, limit=2)] == ["b2", "b1"]
    assert [line.order_id for line in lines.query("x", prefix="b")] == ["b1", "b2"]
    assert lines.query("z") == []
    line = lines.get("x", "a1")
    assert line is not None
    lines.delete(line)
    assert len(lines.query("x")) == 2


def test_query_reads_all_pages(shop: ServiceHarness) -> None:
    """A partition of more than DynamoDB's megabyte comes back whole."""
    from shop_service import Line, lines

    for number in range(4):
        lines.put(Line(sku="x", order_id=f"{number}" + "z" * 1000, quantity=1))
    request = {"calls": 0}
    dynamodb = clients.client("dynamodb")
    query = dynamodb.query

    def small_pages(**arguments: object) -> object:
        request["calls"] += 1
        return query(**{**arguments, "Limit": 1})

    dynamodb.query = small_pages
    assert len(lines.query("x")) == 4
    assert request["calls"] > 3


def test_keys_must_fit_the_table(shop: ServiceHarness) -> None:
    """A missing sort key is a mistake in the program, and said so."""
    from shop_service import lines, orders

    with pytest.raises(TypeError, match="sort key"):
        lines.get("x")
    with pytest.raises(TypeError, match="no sort key"):
        orders.query("x", prefix="a")


def test_table_wants_fields_of_its_model() -> None:
    """A key that the model does not have is found when the table is declared."""
    with pytest.raises(DeclarationError, match="no field 'nope'"):
        Table("shop", "notes", Note, key="nope")


def test_handler_without_the_right_is_stopped(notes: Table[Note]) -> None:
    """What `uses` does not name cannot be touched, in tests as in AWS."""
    with (
        running(Invocation("shop", "api", "handler", far_away())),
        pytest.raises(UndeclaredUse, match="table notes read") as caught,
    ):
        notes.get("1")
    assert caught.value.handler == "handler"


def test_revisions_take_no_part_in_comparisons() -> None:
    """Two records with the same fields are equal, whenever they were read."""
    assert Revision(1) == Revision(2)
    assert hash(Revision(1)) == hash(Revision(2))
    assert Revision(1) != 1
    assert repr(Revision(3)) == "Revision(3)"


def test_numbers_survive() -> None:
    """Whole numbers stay whole, floats stay exact, also deep inside."""
    values = {"a": 1, "b": 0.1, "c": [1.5, {"d": 2}], "e": None, "f": True, "g": "s"}
    assert from_item(to_item(values)) == values


def test_every_json_value_and_bytes_have_a_type() -> None:
    """As the API reference of DynamoDB says."""
    values = {"s": "x", "n": -1.5, "z": None, "t": True, "b": b"\x00", "m": {"k": [1, False]}}
    assert to_item(values) == {
        "s": {"S": "x"},
        "n": {"N": "-1.5"},
        "z": {"NULL": True},
        "t": {"BOOL": True},
        "b": {"B": b"\x00"},
        "m": {"M": {"k": {"L": [{"N": "1"}, {"BOOL": False}]}}},
    }
    assert from_item(to_item(values)) == values


@given(
    st.dictionaries(
        st.text(),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers(-(10**37), 10**37)
            | st.floats(-1e15, 1e15).filter(lambda number: number == 0 or abs(number) > 1e-100)
            | st.text()
            | st.binary(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
            max_leaves=8,
        ),
        max_size=5,
    )
)
def test_boto3_reads_what_we_write(values: dict[str, Any]) -> None:
    """Our types are boto3's, and so is their meaning."""
    from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

    item = to_item(values)
    theirs = {name: TypeDeserializer().deserialize(value) for name, value in item.items()}
    again = {name: TypeSerializer().serialize(value) for name, value in theirs.items()}
    assert again == item
    assert from_item(again) == values


def test_what_dynamodb_cannot_hold_is_refused() -> None:
    """Neither rounded numbers nor types that we never write."""
    with pytest.raises(DecimalException):
        to_item({"n": 10**38 + 1})
    with pytest.raises(TypeError, match="set"):
        to_item({"s": {1}})
    with pytest.raises(TypeError, match="SS"):
        from_item({"s": {"SS": ["a"]}})
