"""The adapter of the payment provider, against real HTTP servers."""

from __future__ import annotations

import socket

import pytest
from pydantic import SecretStr

from payments.errors import ProviderKeyRefused, ProviderRefused, ProviderUnavailable
from payments.payment import Outcome, PaymentStatus
from payments.provider import Provider
from trunkline import Money, TrunklineError

PRICE = Money(amount=1250, currency="EUR")


def charge(
    url: str, key: str = "right-key", *, declined: bool = False, seconds: float = 10.0
) -> Outcome:
    provider = Provider(lambda: url, lambda: seconds)
    card_token = "tok_declined" if declined else "tok_visa"
    return provider.charge(SecretStr(key), order_id="o-1", amount=PRICE, card_token=card_token)


def test_a_good_card_is_charged_once_however_often_we_ask(sandbox) -> None:
    """The order's id is the idempotency key, so repeats give the same charge."""
    outcomes = {charge(sandbox.url) for _ in range(3)}
    (line,) = sandbox.ledger.charges()
    assert outcomes == {Outcome(PaymentStatus.CAPTURED, line.id)}
    assert (line.idempotency_key, line.reference, line.amount) == ("o-1", "o-1", 1250)
    assert (line.currency, line.source, line.requests) == ("EUR", "tok_visa", 3)


def test_a_refused_card_is_an_outcome(sandbox) -> None:
    """A 402 is no error: it is what happened."""
    assert charge(sandbox.url, declined=True) == Outcome(PaymentStatus.DECLINED, "card_declined")


def test_a_wrong_key_is_refused(sandbox) -> None:
    """It is an error to be retried, as a key is mended from outside; its text holds no secret."""
    with pytest.raises(ProviderKeyRefused) as refusal:
        charge(sandbox.url, "wrong-key")
    assert refusal.value.retryable is True
    assert "wrong-key" not in str(refusal.value)
    assert sandbox.ledger.charges() == ()


@pytest.mark.parametrize(
    ("status", "body", "error", "retryable"),
    [
        pytest.param(500, b"", ProviderUnavailable, True, id="broken"),
        pytest.param(503, b"<html>", ProviderUnavailable, True, id="overloaded"),
        pytest.param(429, b"{}", ProviderUnavailable, True, id="too fast"),
        pytest.param(201, b"{}", ProviderUnavailable, True, id="no charge in the answer"),
        pytest.param(400, b'{"error":{"code":"bad"}}', ProviderRefused, False, id="bad request"),
        pytest.param(422, b"", ProviderRefused, False, id="key of another charge"),
        pytest.param(302, b"", ProviderRefused, False, id="redirect"),
    ],
)
def test_what_other_answers_mean(
    scripted, status: int, body: bytes, error: type[TrunklineError], retryable: bool
) -> None:
    """Trouble on their side is worth another try; a refusal of the request is not."""
    scripted.answers = [(status, body)]
    with pytest.raises(error) as trouble:
        charge(scripted.url)
    assert trouble.value.retryable is retryable
    assert scripted.requests == 1


def test_a_provider_that_is_silent(scripted) -> None:
    """No answer within the timeout is an error to be retried."""
    scripted.silent = True
    with pytest.raises(ProviderUnavailable) as trouble:
        charge(scripted.url, seconds=0.05)
    scripted.released.set()
    assert trouble.value.retryable is True


def test_a_provider_that_is_not_there() -> None:
    """A refused connection is an error to be retried, and its text holds no secret."""
    with socket.socket() as bound:  # bound but not listening: connections are refused
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(ProviderUnavailable) as trouble:
            charge(f"http://127.0.0.1:{bound.getsockname()[1]}")
    assert "right-key" not in str(trouble.value)
