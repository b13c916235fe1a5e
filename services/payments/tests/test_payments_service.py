"""The handler of payments, on an AWS in memory and with a provider of its own."""

from __future__ import annotations

import pytest

from orders_contract import OrderPlaced
from payments.errors import ProviderKeyRefused
from payments.service import payments, provider_key
from payments_contract import PaymentCaptured, PaymentDeclined
from trunkline import Money
from trunkline.testing import ServiceHarness
from trunkline.testing.aws.rotating import STEPS

PRICE = Money(amount=1250, currency="EUR")
PLACED = OrderPlaced(order_id="o-1", customer="ann", total=PRICE, card_token="tok_visa")
DOOMED = PLACED.model_copy(update={"card_token": "tok_declined"})


@pytest.fixture
def harness(harness: ServiceHarness, sandbox) -> ServiceHarness:
    """The service with nothing stored, connected to the sandbox."""
    harness.set_setting("provider-url", sandbox.url)
    harness.set_secret("provider-api-key", "right-key")
    return harness


def test_a_placed_order_is_charged(harness: ServiceHarness, sandbox) -> None:
    """One charge in the provider's ledger, one payment, one PaymentCaptured."""
    assert harness.deliver(PLACED)
    (line,) = sandbox.ledger.charges("o-1")
    assert (line.amount, line.currency, line.status) == (1250, "EUR", "captured")
    assert harness.emitted() == [PaymentCaptured(order_id="o-1", charge_id=line.id, amount=PRICE)]


def test_a_declined_card(harness: ServiceHarness, capsys: pytest.CaptureFixture[str]) -> None:
    """The outcome is told as PaymentDeclined and counted, and the message is done."""
    assert harness.deliver(DOOMED)
    assert '"cards_declined":1,' in capsys.readouterr().out
    assert harness.emitted() == [PaymentDeclined(order_id="o-1", reason="card_declined")]
    assert harness.dead_letters("on-order-placed") == []


def test_a_redelivered_order_is_charged_once(harness: ServiceHarness, sandbox) -> None:
    """Twenty deliveries, under other ids too, ask the provider once and tell nothing new."""
    for number in range(20):
        assert harness.deliver(PLACED, event_id=f"event-{number // 10}")
    assert [line.requests for line in sandbox.ledger.charges()] == [1]
    assert len(harness.emitted()) == 1


def test_a_crash_after_the_charge_does_not_charge_again(harness: ServiceHarness, sandbox) -> None:
    """If only the provider remembers the charge, its answer completes the payment."""
    harness.deliver(PLACED)
    stored = payments.get("o-1")
    assert stored is not None
    payments.delete(stored)
    assert harness.deliver(PLACED, event_id="after the crash")
    (line,) = sandbox.ledger.charges()
    assert line.requests == 2
    assert payments.get("o-1") == stored


def test_a_broken_provider_leaves_the_message_for_later(
    harness: ServiceHarness, scripted, sandbox
) -> None:
    """A 500 is no outcome: nothing is stored, and a later delivery charges."""
    scripted.answers = [(500, b"")]
    harness.set_setting("provider-url", scripted.url)
    assert not harness.deliver(PLACED)
    assert (payments.get("o-1"), harness.emitted()) == (None, [])
    harness.set_setting("provider-url", sandbox.url)
    assert harness.deliver(PLACED, receives=2)
    assert len(harness.emitted()) == 1


def test_a_provider_that_stays_broken_makes_a_dead_letter(
    harness: ServiceHarness, scripted
) -> None:
    """The last try puts the message aside with the reason."""
    scripted.answers = [(500, b"")]
    harness.set_setting("provider-url", scripted.url)
    assert harness.deliver(PLACED, receives=5)
    (letter,) = harness.dead_letters("on-order-placed")
    assert letter.error_type == "ProviderUnavailable"
    assert "the provider answers 500" in letter.reason


def test_a_refused_request_is_a_dead_letter_at_once(harness: ServiceHarness, scripted) -> None:
    """A 400 can only repeat itself, so the first delivery is the last."""
    scripted.answers = [(400, b"")]
    harness.set_setting("provider-url", scripted.url)
    assert harness.deliver(PLACED)
    (letter,) = harness.dead_letters("on-order-placed")
    assert letter.error_type == "ProviderRefused"


def test_a_rotated_key_is_picked_up(harness: ServiceHarness, sandbox) -> None:
    """The cached key is refused, the stored one is fetched, and the order goes through."""
    harness.set_secret("provider-api-key", "old-key")
    assert provider_key.value().get_secret_value() == "old-key"  # it is cached from now on
    harness.set_secret("provider-api-key", "right-key")
    assert harness.deliver(PLACED)
    assert [line.requests for line in sandbox.ledger.charges()] == [1]


def test_a_wrong_key_leaves_the_message_for_later(harness: ServiceHarness, sandbox) -> None:
    """If the stored key is refused too, the order waits until somebody has mended it."""
    harness.set_secret("provider-api-key", "wrong-key")
    assert not harness.deliver(PLACED)
    assert sandbox.ledger.charges() == ()
    harness.set_secret("provider-api-key", "right-key")
    assert harness.deliver(PLACED, receives=2)
    assert [line.requests for line in sandbox.ledger.charges()] == [1]


def test_a_silent_provider_costs_no_more_than_operators_allow(
    harness: ServiceHarness, scripted
) -> None:
    """The time that an answer may take is changed while the function runs."""
    scripted.silent = True
    harness.set_setting("provider-url", scripted.url)
    harness.set_setting("provider-seconds", "0.05")
    assert not harness.deliver(PLACED)
    scripted.released.set()
    assert scripted.requests == 1


def test_the_key_is_rotated_while_orders_come_in(harness: ServiceHarness, sandbox) -> None:
    """At every step orders are charged; in the end the new key alone is good."""
    token = harness.rotate("provider-api-key", steps=())
    for number, step in enumerate(STEPS):
        harness.rotate("provider-api-key", token=token, steps=[step])
        order = PLACED.model_copy(update={"order_id": f"o-{number}"})
        assert harness.deliver(order), step
    (key,) = sandbox.keys.accepted()
    assert key == provider_key.value().get_secret_value() != "right-key"
    assert len(sandbox.ledger.charges()) == len(STEPS)


def test_a_rotation_cut_off_before_its_end_is_completed(harness: ServiceHarness, sandbox) -> None:
    """Steps that are repeated, all of them, issue no second key."""
    token = harness.rotate("provider-api-key", steps=STEPS[:3])
    assert len(sandbox.keys.accepted()) == 2
    harness.rotate("provider-api-key", token=token)
    harness.rotate("provider-api-key", token=token)
    assert len(sandbox.keys.accepted()) == 1
    assert harness.deliver(PLACED)


def test_a_provider_that_refuses_the_new_key_stops_the_rotation(
    harness: ServiceHarness, sandbox, scripted
) -> None:
    """The old key stays current, and orders are charged with it."""
    token = harness.rotate("provider-api-key", steps=STEPS[:2])
    scripted.answers = [(401, b"")]
    harness.set_setting("provider-url", scripted.url)
    with pytest.raises(ProviderKeyRefused):
        harness.rotate("provider-api-key", token=token, steps=STEPS[2:])
    harness.set_setting("provider-url", sandbox.url)
    assert harness.deliver(PLACED)
    assert provider_key.value().get_secret_value() == "right-key"
