"""The states of an order."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.errors import ImpossibleMove
from orders.order import Order, order_id_for
from orders_contract import OrderStatus
from trunkline import Money

PLACED = Order(
    order_id="o-1",
    customer="c-1",
    email="ann@example.com",
    sku="mug",
    quantity=2,
    total=Money(amount=2500, currency="EUR"),
    placed_at=datetime(2026, 11, 22, tzinfo=UTC),
)
MOVES = {
    OrderStatus.CONFIRMED: Order.confirmed,
    OrderStatus.CANCELLED: Order.cancelled,
}


@pytest.mark.parametrize("status", MOVES)
def test_a_placed_order_can_be_settled_either_way(status: OrderStatus) -> None:
    """The move changes the status and nothing else."""
    settled = MOVES[status](PLACED)
    assert settled.status is status
    assert settled.model_copy(update={"status": OrderStatus.PLACED}) == PLACED


@given(st.lists(st.sampled_from(sorted(MOVES)), min_size=1))
def test_the_first_move_decides_whatever_follows(moves: list[OrderStatus]) -> None:
    """Repeats give back the very same order, and every other move is refused."""
    order = MOVES[moves[0]](PLACED)
    for move in moves[1:]:
        if move is moves[0]:
            assert MOVES[move](order) is order
        else:
            with pytest.raises(ImpossibleMove) as refusal:
                MOVES[move](order)
            assert (refusal.value.current, refusal.value.wanted) == (order.status, move)
    assert order.status is moves[0]


def test_an_impossible_move_is_not_worth_a_second_try() -> None:
    """The message goes to the dead letters at once, as no retry can help."""
    with pytest.raises(ImpossibleMove) as refusal:
        PLACED.confirmed().cancelled()
    assert refusal.value.retryable is False
    assert str(refusal.value) == "order 'o-1' is CONFIRMED and cannot become CANCELLED"


@given(st.text(), st.text())
def test_an_order_id_follows_from_the_key(caller: str, key: str) -> None:
    """The same caller and key give the same id, so a repeated request finds the first's order."""
    assert order_id_for(caller, key) == order_id_for(caller, key)
    assert order_id_for(caller, key) != order_id_for(caller, key + "x")


def test_the_view_keeps_the_address_to_itself() -> None:
    """Other services see the order without the customer's e-mail address."""
    view = PLACED.view()
    assert (view.order_id, view.customer, view.status) == ("o-1", "c-1", OrderStatus.PLACED)
    assert "email" not in view.model_dump()
