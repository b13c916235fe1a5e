"""What an operation's author says about idempotency: which fields count, and for how long."""

from __future__ import annotations

from typing import Any

import pytest

from trunkline import (
    Api,
    Caller,
    IdempotencyKey,
    Model,
    Service,
    command,
    idempotent,
)
from trunkline.api.handler import ApiProgram
from trunkline.declaration import Idempotent
from trunkline.errors import Conflict, DeclarationError
from trunkline.testing import MemoryStore
from trunkline.testing.deadline import far_away
from trunkline.testing.events import api_event


class Coupon(Model):
    """What a client sends."""

    code: str
    sent_at: str = ""


class Redeemed(Model):
    """Which time it was."""

    time: int


class CouponsApi(Api, version=1, service="coupons"):
    """Redeem a coupon."""

    @command("POST", "/shops/{shop}/coupons")
    def redeem(  # type: ignore[empty-body]
        self, shop: str, body: Coupon, key: IdempotencyKey, till: int = 1
    ) -> Redeemed:
        """Redeem it."""

    @command("DELETE", "/shops/{shop}")
    def close(self, shop: str) -> None:
        """Close a shop."""


class Desk:
    """A service with one idempotent operation, and a clock."""

    def __init__(self, idempotency: str | Idempotent) -> None:
        self.now = 1_800_000_000.0
        self.times = 0
        self.error: Exception | None = None
        service = Service("coupons", entry="-", timeout=10)

        @service.implements(CouponsApi.redeem, idempotency=idempotency)
        def redeem(body: Coupon) -> Redeemed:
            self.times += 1
            if self.error is not None:
                raise self.error
            return Redeemed(time=self.times)

        self.program = ApiProgram(service, MemoryStore(lambda: self.now))

    def redeem(
        self, body: Any, *, shop: str = "a", query: dict[str, str | list[str]] | None = None
    ) -> int:
        """Send it with the one key; the answer's status."""
        event = api_event(
            "POST",
            f"/shops/{shop}/coupons",
            body,
            caller=Caller.service("till"),
            headers={"Idempotency-Key": "k"},
            query=query,
        )
        status: int = self.program.handle(event, far_away(10))["statusCode"]
        return status


@pytest.fixture(autouse=True)
def callers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may call."""
    monkeypatch.setenv("TRUNKLINE_ENVIRONMENT", "test")
    monkeypatch.setenv("TRUNKLINE_CALLERS", "till")


def test_every_field_counts_unless_said_otherwise() -> None:
    """The plain header's name compares all of the body, the path and the query."""
    desk = Desk("Idempotency-Key")
    assert desk.redeem({"code": "x", "sent_at": "1"}) == 201
    assert desk.redeem({"code": "x", "sent_at": "2"}) == 422
    assert desk.redeem({"code": "x", "sent_at": "1"}) == 201
    assert desk.times == 1


def test_only_declared_fields_count() -> None:
    """What a client makes anew for each attempt can be left out; what is declared still counts."""
    desk = Desk(idempotent(fields=["code"]))
    assert desk.redeem({"code": "x", "sent_at": "1"}) == 201
    assert desk.redeem({"code": "x", "sent_at": "2"}) == 201
    assert desk.redeem({"code": "y", "sent_at": "1"}) == 422
    assert desk.times == 1


def test_path_and_query_always_count() -> None:
    """The same body to another address is another request."""
    desk = Desk(idempotent(fields=["code"]))
    assert desk.redeem({"code": "x"}) == 201
    assert desk.redeem({"code": "x"}, shop="b") == 422
    assert desk.redeem({"code": "x"}, query={"till": "2"}) == 422
    assert desk.redeem({"code": "x"}, query={"till": "1"}) == 201
    assert desk.times == 1


def test_a_default_said_or_not_is_the_same_request() -> None:
    """So a contract may gain an optional field between a request and its repetition."""
    desk = Desk("Idempotency-Key")
    assert desk.redeem({"code": "x"}) == 201
    assert desk.redeem({"code": "x", "sent_at": ""}) == 201
    assert desk.times == 1


def test_a_response_is_kept_as_long_as_declared() -> None:
    """Then the key is new again."""
    desk = Desk(idempotent(keep=60))
    desk.redeem({"code": "x"})
    desk.now += 59
    desk.redeem({"code": "x"})
    assert desk.times == 1
    desk.now += 1
    desk.redeem({"code": "y"})
    assert desk.times == 2


def test_a_failed_attempt_is_forgotten() -> None:
    """An error is no response to remember: the key is as if it had never been sent."""
    desk = Desk("Idempotency-Key")
    for error, status in ((Conflict("not now"), 409), (RuntimeError("down"), 500)):
        desk.error = error
        assert desk.redeem({"code": "x"}) == status
    desk.error = None
    assert desk.redeem({"code": "y"}) == 201
    assert desk.times == 3


def test_a_wrong_request_does_not_use_its_key_up() -> None:
    """What validation refuses has not begun."""
    desk = Desk("Idempotency-Key")
    assert desk.redeem({}) == 400
    assert desk.redeem({"code": "x"}) == 201


@pytest.mark.parametrize(
    ("idempotency", "message"),
    [
        (idempotent(fields=["kode"]), "no field 'kode'.*there are: code, sent_at"),
        (idempotent(keep=9), "keep=9 would forget a request while it runs; at least .* 10 seconds"),
    ],
)
def test_what_cannot_work_is_refused_when_declared(idempotency: Idempotent, message: str) -> None:
    """A field that the body does not have, and a memory shorter than the request."""
    with pytest.raises(DeclarationError, match=message):
        Desk(idempotency)


def test_fields_need_a_body() -> None:
    """Without a body there is nothing to choose from; an empty choice would equate everything."""
    service = Service("coupons", entry="-")
    with pytest.raises(DeclarationError, match="none: the operation has no body"):
        service.implements(CouponsApi.close, idempotency=idempotent(fields=["code"]))
    with pytest.raises(DeclarationError, match="fields=\\[\\]"):
        idempotent(fields=[])
