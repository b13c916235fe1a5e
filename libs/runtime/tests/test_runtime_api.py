"""API calls: routed, identified, validated, executed once per key, answered."""

from __future__ import annotations

import base64
import json
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shop_contract import OrderPlaced, ShopApi
from shop_service import effects, service

from trunkline import Caller, Money
from trunkline.api.handler import ApiProgram
from trunkline.idempotency.store import Lock
from trunkline.testing import MemoryStore, ServiceHarness
from trunkline.testing.deadline import far_away
from trunkline.testing.events import api_event

ORDER = {"sku": "a", "quantity": 2}
KEY = {"Idempotency-Key": "k"}


class Clock:
    """A clock that tests turn."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Crash(BaseException):
    """The process dies."""


def test_command_answers_with_its_result(shop: ServiceHarness) -> None:
    """A command runs, stores, emits and answers as its contract says."""
    answer = shop.call("POST", "/orders", ORDER, headers=KEY)
    assert answer.status == 201
    assert answer.headers["Content-Type"] == "application/json"
    expected = {"order_id": "order-k", "sku": "a", "quantity": 2, "placed_by": "a-caller"}
    assert answer.json == expected
    assert shop.emitted()[0] == OrderPlaced(
        order_id="order-k", total=Money(amount=200, currency="EUR")
    )


def test_query_parameters_are_typed(shop: ServiceHarness) -> None:
    """Query parameters are parsed, defaulted and refused by their types."""
    shop.call("POST", "/orders", ORDER, headers=KEY)
    assert len(shop.call("GET", "/orders", query={"sku": "a"}).json) == 1
    assert shop.call("GET", "/orders", query={"sku": "a", "at_least": "3"}).json == []
    answer = shop.call("GET", "/orders", query={"at_least": "many", "other": "1"})
    assert answer.status == 400
    assert [error["field"] for error in answer.json["errors"]] == ["other", "sku", "at_least"]


def test_wrong_body_names_its_fields(shop: ServiceHarness) -> None:
    """Every wrong field is named, unknown ones too; what was sent is not repeated."""
    body = {"quantity": "two", "extra": "s3cret"}
    answer = shop.call("POST", "/orders", body, headers=KEY)
    assert answer.status == 400
    assert {error["field"] for error in answer.json["errors"]} == {"sku", "quantity", "extra"}
    assert "s3cret" not in answer.text


@pytest.mark.parametrize("body", [None, "", "{", "[]", "null", b"\xff".decode("latin-1"), "1e999"])
def test_body_that_is_no_object_is_refused(shop: ServiceHarness, body: str | None) -> None:
    """Nonsense in place of a body is the caller's mistake, not ours."""
    answer = shop.call("POST", "/orders", body, headers=KEY)
    assert answer.status == 400
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_base64_body_is_decoded(shop: ServiceHarness) -> None:
    """API Gateway may encode a body; what claims to be base64 and is not is refused."""
    event = api_event("POST", "/orders", caller=Caller.service("shop"), headers=KEY)
    event["isBase64Encoded"] = True
    event["body"] = base64.b64encode(json.dumps(ORDER).encode()).decode()
    assert shop.program.api.handle(event, far_away())["statusCode"] == 201
    event["body"] = "*"
    assert shop.program.api.handle(event, far_away())["statusCode"] == 400


def test_unknown_path_and_method(shop: ServiceHarness) -> None:
    """A path that is not there gives 404, another method 405 with the allowed ones."""
    assert shop.call("GET", "/nowhere").status == 404
    answer = shop.call("PUT", "/orders")
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, POST"


def test_resource_that_the_gateway_matched_counts(shop: ServiceHarness) -> None:
    """Permissions hang on API Gateway's match, so the path cannot lead elsewhere."""
    event = api_event("GET", "/orders", caller=Caller.service("shop"))
    event["resource"] = "/orders/{order_id}"
    event["pathParameters"] = {"order_id": "nothing"}
    answer = shop.program.api.handle(event, far_away())
    assert answer["statusCode"] == 404
    assert "no order nothing" in answer["body"]


def test_path_variables_are_decoded(shop: ServiceHarness) -> None:
    """A variable's percent-encoding is undone once."""
    assert "no order a/b c" in shop.call("GET", "/orders/a%2Fb%20c").text


def test_problem_has_rfc_9457s_form(shop: ServiceHarness) -> None:
    """A problem has type, title, status, detail and instance, and the trace for reports."""
    answer = shop.call("GET", "/orders/x")
    expected = {
        "type": "urn:trunkline:problem:not-found",
        "title": "Not found",
        "status": 404,
        "detail": "no order x",
        "instance": "/orders/x",
    }
    assert {name: answer.json[name] for name in expected} == expected
    assert answer.json["trace_id"] == answer.headers["Trace-Id"]


def test_internals_never_leak(shop: ServiceHarness) -> None:
    """An unexpected error is 500 and tells the caller nothing."""

    def fail(what: str) -> None:
        raise RuntimeError("password=hunter2")

    effects.before = fail
    answer = shop.call("POST", "/orders", ORDER, headers=KEY)
    assert answer.status == 500
    assert "hunter2" not in answer.text
    assert answer.json["title"] == "Internal error"


def test_nobody_is_refused(shop: ServiceHarness) -> None:
    """A request without identity gets 401, whatever its headers say."""
    headers = {"X-User-Arn": "arn:aws:sts::1:assumed-role/trunkline-test-shop-api/s"}
    event = api_event("GET", "/orders/x", caller=None, headers=headers)
    assert shop.program.api.handle(event, far_away())["statusCode"] == 401


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::123456789012:user/trunkline-test-storefront-api",
        "arn:aws:sts::123456789012:assumed-role/trunkline-test-stranger-api/s",
        "arn:aws:sts::123456789012:assumed-role/trunkline-prod-storefront-api/s",
        "arn:aws:sts::123456789012:assumed-role/x-trunkline-test-storefront-api/s",
        "arn:aws:sts::123456789012:assumed-role/trunkline-test-storefront/s",
        "arn:aws:sts::123456789012:federated-user/trunkline-test-storefront-api",
        "trunkline-test-storefront-api",
    ],
)
def test_strangers_are_refused(shop: ServiceHarness, arn: str) -> None:
    """Only a role of a declared caller of this environment is let in."""
    shop.allow_callers("storefront")
    event = api_event("GET", "/orders/x", caller=Caller.service("storefront"))
    assert shop.program.api.handle(event, far_away())["statusCode"] == 404
    event["requestContext"]["identity"]["userArn"] = arn
    assert shop.program.api.handle(event, far_away())["statusCode"] == 403


def test_customer_claims_mean_nothing_to_a_private_api(shop: ServiceHarness) -> None:
    """A signed-in customer is nobody to an API that only services may call."""
    assert shop.call("GET", "/orders/x", caller=Caller.customer("c")).status == 401


def test_repeated_request_gets_the_first_answer(shop: ServiceHarness) -> None:
    """The same key and payload give the first answer again, without a second effect."""
    first = shop.call("POST", "/orders", ORDER, headers=KEY)
    again = shop.call("POST", "/orders", {"quantity": 2, "sku": "a"}, headers=KEY)
    assert (first.status, first.json) == (again.status, again.json)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert effects.done == ["order-k"]


def test_key_with_another_payload_is_refused(shop: ServiceHarness) -> None:
    """The same key and another payload give 422."""
    shop.call("POST", "/orders", ORDER, headers=KEY)
    answer = shop.call("POST", "/orders", ORDER | {"quantity": 3}, headers=KEY)
    assert answer.status == 422
    assert effects.done == ["order-k"]


def test_key_is_required_where_it_is_declared(shop: ServiceHarness) -> None:
    """A command with idempotency is not run without a key, nor with an empty or endless one."""
    assert shop.call("POST", "/orders", ORDER).status == 400
    for key in ("", "x" * 256):
        answer = shop.call("POST", "/orders", ORDER, headers={"Idempotency-Key": key})
        assert answer.status == 400
    assert effects.done == []


def test_callers_do_not_share_keys(shop: ServiceHarness) -> None:
    """Another caller's key is another key: it neither gets nor blocks the first one's answer."""
    shop.allow_callers("one", "two")
    for name in ("one", "two"):
        answer = shop.call("POST", "/orders", ORDER, headers=KEY, caller=Caller.service(name))
        assert "Idempotent-Replayed" not in answer.headers
    assert effects.done == ["order-k", "order-k"]


def test_failed_request_may_be_repeated(shop: ServiceHarness) -> None:
    """A failure is not remembered: the same request runs again."""

    def fail(what: str) -> None:
        raise RuntimeError("down")

    effects.before = fail
    assert shop.call("POST", "/orders", ORDER, headers=KEY).status == 500
    effects.before = None
    assert shop.call("POST", "/orders", ORDER, headers=KEY).status == 201


def test_request_in_progress_is_a_conflict_with_retry_after(shop: ServiceHarness) -> None:
    """While the first request runs, the second gets 409 and learns when to ask again."""
    inner: list[Any] = []
    event = api_event("POST", "/orders", ORDER, caller=Caller.service("shop"), headers=KEY)

    def ask_again(what: str) -> None:
        effects.before = None
        inner.append(shop.program.api.handle(event, far_away()))

    effects.before = ask_again
    assert shop.program.api.handle(event, far_away(7.0))["statusCode"] == 201
    assert inner[0]["statusCode"] == 409
    assert inner[0]["headers"]["Retry-After"] == "7"


def test_twenty_requests_at_once_take_effect_once(shop: ServiceHarness) -> None:
    """Of concurrent requests with one key one runs; the others get its answer or 409."""
    shop.allow_callers("one")
    program = ApiProgram(service, MemoryStore(Clock()))
    barrier = threading.Barrier(20)
    statuses: list[int] = []

    def run() -> None:
        event = api_event("POST", "/orders", ORDER, caller=Caller.service("one"), headers=KEY)
        barrier.wait()
        statuses.append(program.handle(event, far_away())["statusCode"])

    threads = [threading.Thread(target=run) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert effects.done == ["order-k"]
    assert set(statuses) <= {201, 409}
    assert statuses.count(201) >= 1


def test_dead_request_blocks_its_key_until_its_deadline_only(shop: ServiceHarness) -> None:
    """After a crash the key is free again when the dead invocation must have ended."""
    clock = Clock()
    program = ApiProgram(service, MemoryStore(clock))
    event = api_event("POST", "/orders", ORDER, caller=Caller.service("shop"), headers=KEY)

    def die(what: str) -> None:
        raise Crash

    effects.after = die
    with pytest.raises(Crash):
        program.handle(event, far_away(5))
    effects.after = None
    assert program.handle(event, far_away())["statusCode"] == 409
    clock.now += 5.1
    assert program.handle(event, far_away())["statusCode"] == 201


def test_late_finisher_is_told_to_ask_again(shop: ServiceHarness) -> None:
    """A request that outlived its lock does not answer in its successor's place."""
    clock = Clock()

    class Overtaken(MemoryStore):
        def complete(self, lock: Lock, result: str | None, *, keep_seconds: float) -> None:
            clock.now += 60
            self.acquire(lock.key, self._records[lock.key].payload, lock_seconds=1, keep_seconds=9)
            super().complete(lock, result, keep_seconds=keep_seconds)

    program = ApiProgram(service, Overtaken(clock))
    event = api_event("POST", "/orders", ORDER, caller=Caller.service("shop"), headers=KEY)
    answer = program.handle(event, far_away())
    assert answer["statusCode"] == 409
    assert answer["headers"]["Retry-After"] == "1"


def test_undeclared_use_is_found_in_tests(shop: ServiceHarness) -> None:
    """A handler that writes what it did not declare fails here as it would in AWS."""
    shop.call("POST", "/orders", ORDER, headers=KEY)
    assert shop.call("DELETE", "/orders/nothing").status == 204
    assert shop.call("DELETE", "/orders/order-k").status == 500


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    method=st.sampled_from(["GET", "POST", "DELETE", "", "HEAD"]),
    path=st.sampled_from(["/", "/orders", "/orders/x", "//", "/orders/%ff"]) | st.text(max_size=10),
    body=st.none() | st.text(max_size=20) | JUNK.map(json.dumps),
    headers=st.none()
    | st.dictionaries(
        st.sampled_from(["Idempotency-Key", "traceparent", "X-Amzn-Trace-Id", "a"]),
        st.text(max_size=20),
    ),
    query=st.none() | st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
)
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_request_breaks_the_runtime(
    shop: ServiceHarness,
    method: str,
    path: str,
    body: str | None,
    headers: dict[str, str] | None,
    query: dict[str, str] | None,
) -> None:
    """Whatever comes, the answer is a well-formed response below 500."""
    event = api_event(method, path, body, caller=Caller.service("shop"), headers=headers)
    event |= {"headers": headers, "queryStringParameters": query}
    event["multiValueQueryStringParameters"] = None
    answer = shop.program.api.handle(event, far_away())
    assert 200 <= answer["statusCode"] < 500
    assert isinstance(answer["body"], str)
    if answer["statusCode"] >= 400:
        assert json.loads(answer["body"])["status"] == answer["statusCode"]


def test_operations_know_their_statuses() -> None:
    """POST creates, no result means no content, else 200."""
    assert ShopApi.place_order.status == 201
    assert ShopApi.delete_order.status == 204
    assert ShopApi.get_order.status == 200
