"""What the load test accepts as proof."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from trunkline_devtools.load import (
    Evidence,
    LoadPlan,
    LoadResults,
    OrderMade,
    RequestStatistics,
    StoredOrder,
    find_faults,
)

MADE = (OrderMade("o-1", declined=False, requests=2), OrderMade("o-2", declined=True, requests=1))
SOUND = Evidence(
    orders={"o-1": StoredOrder("CONFIRMED", 2), "o-2": StoredOrder("CANCELLED", 2)},
    payments={"o-1": "captured", "o-2": "declined"},
    charges={"o-1": ("captured",), "o-2": ("declined",)},
    emails=Counter({"o-1": 1, "o-2": 1}),
)


def test_sound_records_have_no_faults() -> None:
    """One final state, one charge, one e-mail each is what must be."""
    assert find_faults(MADE, SOUND) == ()


def test_an_order_that_is_not_stored_is_a_fault() -> None:
    """An accepted order must not get lost."""
    faults = find_faults(MADE, replace(SOUND, orders={"o-2": SOUND.orders["o-2"]}))

    assert faults == ("order o-1 is not stored",)


def test_an_order_in_the_wrong_state_is_a_fault() -> None:
    """A declined card must end in a cancelled order."""
    orders = {**SOUND.orders, "o-2": StoredOrder("CONFIRMED", 2)}

    assert find_faults(MADE, replace(SOUND, orders=orders)) == (
        "order o-2 is CONFIRMED, expected CANCELLED",
    )


def test_an_order_decided_twice_is_a_fault() -> None:
    """One write places an order and one decides it."""
    orders = {**SOUND.orders, "o-1": StoredOrder("CONFIRMED", 3)}

    assert "written 3 times" in find_faults(MADE, replace(SOUND, orders=orders))[0]


def test_a_second_charge_is_a_fault() -> None:
    """The provider's ledger decides whether somebody paid twice."""
    charges = {**SOUND.charges, "o-1": ("captured", "captured")}

    assert find_faults(MADE, replace(SOUND, charges=charges)) == (
        "the provider's charges for order o-1: captured, captured; expected captured",
    )


def test_a_missing_payment_and_charge_are_two_faults() -> None:
    """Both records must exist."""
    bare = replace(SOUND, payments={"o-2": "declined"}, charges={"o-2": ("declined",)})

    assert len(find_faults(MADE, bare)) == 2


def test_a_second_email_is_a_fault() -> None:
    """Nobody hears twice about one order."""
    faults = find_faults(MADE, replace(SOUND, emails=Counter({"o-1": 2, "o-2": 1})))

    assert faults == ("order o-1 brought 2 e-mails, expected 1",)


def test_one_order_for_two_keys_is_a_fault() -> None:
    """Two keys must never meet in one order."""
    faults = find_faults((*MADE, MADE[0]), SOUND)

    assert faults == ("1 order ids were given to more than one key: o-1",)


def test_plan_and_results_survive_their_files(tmp_path: Path) -> None:
    """What one process writes the other reads unchanged."""
    plan = LoadPlan("http://c", "http://s", "client", (("ada", "secret"),), 5, 30.0)
    statistics = RequestStatistics("order", 10, 1, 2.0, 20.0, 40.0, 80.0)
    results = LoadResults(MADE, (statistics,), ("order: 500 (1 times)",))
    results.write(tmp_path / "results.json")

    assert LoadPlan.load(plan.dump()) == plan
    assert LoadResults.read(tmp_path / "results.json") == results
    assert results.failures == 1
