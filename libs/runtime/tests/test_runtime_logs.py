"""Log lines can be found by what they are about, and show neither secrets nor personal data."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Annotated, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, SecretBytes, SecretStr, ValidationError
from shop_contract import PaymentSeen

from trunkline import Caller, Model, Money, Personal, Service
from trunkline.telemetry import correlation, masking, tracing
from trunkline.telemetry.setup import configure
from trunkline.testing import ServiceHarness

logger = logging.getLogger("shop")
EMAIL = "ann@example.com"


class Address(Model):
    """Personal data within a record."""

    street: Personal[str]
    country: str


class Customer(Model):
    """Some fields of each kind."""

    name: str
    email: Personal[str] = Field(min_length=3)
    phone: Personal[str] | None = None
    nicknames: tuple[Personal[str], ...] = ()
    codes: Annotated[Personal[str], Field(pattern="^[a-z]+$")] = "abc"
    address: Address = Address(street="Elm 1", country="DE")
    spent: Money = Money(amount=1, currency="EUR")


CUSTOMER = Customer(name="ann", email=EMAIL, nicknames=("annie",))


@pytest.fixture(autouse=True)
def ready() -> Iterator[None]:
    """Logs as in a function, and nothing hidden that another test has loaded."""
    configure()
    masking.forget()
    yield
    masking.forget()


def lines(capsys: pytest.CaptureFixture[str], kind: str = "log") -> list[dict[str, Any]]:
    """What was written, line by line."""
    found = [json.loads(line) for line in capsys.readouterr().out.split("\n") if line]
    return [line for line in found if line["type"] == kind]


def test_personal_data_is_masked_wherever_a_model_is_shown() -> None:
    """Its repr and its str show all other fields; a missing value is shown as missing."""
    for shown in (repr(CUSTOMER), str(CUSTOMER), f"{[CUSTOMER]}"):
        assert EMAIL not in shown
        assert "annie" not in shown
        assert "Elm" not in shown
        assert "email='***'" in shown
        assert "phone=None" in shown
        assert "name='ann'" in shown
        assert "country='DE'" in shown


def test_personal_data_is_stored_and_sent() -> None:
    """Masking is for eyes only."""
    assert CUSTOMER.model_dump()["email"] == EMAIL
    assert json.loads(CUSTOMER.model_dump_json())["address"]["street"] == "Elm 1"
    assert Customer.model_validate_json(CUSTOMER.model_dump_json()) == CUSTOMER


def test_a_logged_model_becomes_fields(capsys: pytest.CaptureFixture[str]) -> None:
    """As an extra it can be searched by its fields; those with personal data are masked."""
    logger.info("seen %s", CUSTOMER, extra={"customer": CUSTOMER})
    (line,) = lines(capsys)
    assert line["customer"] == {
        "name": "ann",
        "email": "***",
        "phone": None,
        "nicknames": "***",
        "codes": "***",
        "address": {"street": "***", "country": "DE"},
        "spent": {"amount": 1, "currency": "EUR"},
    }
    assert EMAIL not in line["message"]


def test_what_validation_refuses_is_not_quoted(capsys: pytest.CaptureFixture[str]) -> None:
    """An address that is too short is an address all the same."""
    given = {"name": "ann", "email": "a@", "codes": EMAIL}
    with pytest.raises(ValidationError) as refused:
        Customer.model_validate(given)
    logger.error("refused", exc_info=refused.value)
    (line,) = lines(capsys)
    assert "a@" not in line["exception"]
    assert EMAIL not in line["exception"]
    assert "String should have at least 3 characters" in line["exception"]


def test_a_loaded_secret_is_in_no_line(
    shop: ServiceHarness, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither in messages, fields, exceptions nor spans, from the moment that it was loaded."""
    from shop_service import api_key

    key = 'pass"word\n1'
    shop.set_secret("api-key", key)
    value = api_key.value().get_secret_value()
    assert value == key
    with tracing.span("call", attributes={"url": f"https://x?key={value}"}):
        logger.info("using %s", value, extra={value: 1, "nested": [{"key": (value,)}]})
        logger.warning("%r", {"header": value})
        error = RuntimeError(f"refused: {value}")
        logger.error("failed", exc_info=error)
    written = capsys.readouterr().out
    assert "word" not in written
    first, second, third, span = (json.loads(line) for line in written.splitlines())
    assert first["message"] == "using ***"
    assert (first["***"], first["nested"]) == (1, [{"key": ["***"]}])
    assert second["message"] == "{'header': '***'}"
    assert "RuntimeError: refused: ***" in third["exception"]
    assert span["attributes"] == {"url": "https://x?key=***"}


def test_only_the_masked_fields_of_a_secret_are_hidden(shop: ServiceHarness) -> None:
    """A user's name is no secret; whatever is declared so is, at any depth."""

    class Inner(BaseModel):
        token: SecretBytes

    class Login(BaseModel):
        user: str
        password: SecretStr
        inner: Inner

    secret = Service("own", entry="nowhere:service").secret("login", type=Login, description="x")
    text = '{"user": "admin", "password": "hunter22", "inner": {"token": "t0ken"}}'
    secret.typed(text)
    assert masking.masked(["admin", "hunter22", "t0ken"]) == ["admin", "***", "***"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    secret=st.text(min_size=masking.MIN_LENGTH, max_size=30),
    before=st.text(max_size=10),
    number=st.integers() | st.booleans() | st.none(),
)
def test_no_secret_survives_in_any_form(
    capsys: pytest.CaptureFixture[str], secret: str, before: str, number: Any
) -> None:
    """Plain, quoted, as JSON in a text, in an address: every line stays JSON without it."""
    from urllib.parse import quote

    masking.forget()
    masking.hide(secret)
    forms = [secret, repr(secret), json.dumps({"key": secret}), quote(secret, safe="")]
    logger.info("%s", forms[0], extra={"forms": forms, "before": before + secret, "n": number})
    (line,) = lines(capsys)
    assert line["message"] == "***"
    assert line["before"].endswith("***") or secret not in line["before"]
    assert all("***" in form for form in line["forms"])
    for value in (line["message"], *line["forms"], line["before"], str(line["n"])):
        assert secret not in value or secret in masking.MASK * 2


def test_short_values_are_not_searched_for() -> None:
    """A secret of three characters would be found in every other word."""
    masking.hide("abc")
    assert masking.masked("abcdef") == "abcdef"
    masking.hide("1234")
    assert masking.masked({"n": 1234, "f": 12.5, "b": True}) == {"n": "***", "f": 12.5, "b": True}


def test_lines_of_a_message_carry_its_ids(
    shop: ServiceHarness, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the handler logs can be found by message, event and subject, and by its trace."""
    shop.deliver(PaymentSeen(order_id="o-1", fail="boom"), event_id="e-1")
    (line,) = lines(capsys)
    assert (line["event_id"], line["subject"]) == ("e-1", "o-1")
    assert line["message_id"]
    assert line["trace_id"]
    logger.info("afterwards")
    (after,) = lines(capsys)
    assert "event_id" not in after


def test_lines_of_a_request_carry_its_caller_and_its_key(
    shop: ServiceHarness, capsys: pytest.CaptureFixture[str]
) -> None:
    """The idempotency key itself is the caller's; lines carry the digest that the store has."""
    from shop_service import effects

    effects.before = lambda what: logger.info("working on %s", what)
    shop.allow_callers("front")
    shop.call(
        "POST",
        "/orders",
        {"sku": "a", "quantity": 1},
        headers={"Idempotency-Key": "k-1"},
        caller=Caller.service("front"),
    )
    (line,) = [line for line in lines(capsys) if line["logger"] == "shop"]
    assert line["caller"] == "service:front"
    assert line["cause"].startswith("api#place_order#")
    assert "k-1" not in line["cause"]
    assert (line["service"], line["handler"]) == ("shop", "place_order")


def test_lines_carry_lambdas_request_id(
    shop: ServiceHarness, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The id that Lambda's own START and REPORT lines have."""
    from trunkline import entrypoints

    monkeypatch.setattr(entrypoints, "program", lambda: shop.program)
    context = SimpleNamespace(aws_request_id="r-1", get_remaining_time_in_millis=lambda: 30_000)
    entrypoints.relay({"Records": []}, context)
    logger.info("hello")
    (line,) = lines(capsys)
    assert line["request_id"] == "r-1"
    correlation.invoked(None)
    logger.info("hello")
    (line,) = lines(capsys)
    assert "request_id" not in line


def test_facts_outside_of_any_work_are_dropped() -> None:
    """Nothing keeps them from one piece of work to the next."""
    correlation.note("a", 1)
    with correlation.work():
        correlation.note("b", 2)
        correlation.note("c", None)
        assert correlation.known() == {"b": 2}
    assert correlation.known() == {}
