"""What a queue must survive: errors, repeats, and processes killed at the worst moments."""

from __future__ import annotations

import concurrent.futures
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import urllib3

CHARGING = "trunkline-local-payments-on-order-placed"
SETTLING = "trunkline-local-orders-on-payment-captured"


@pytest.fixture
def charges(shop: Any) -> Callable[[str], list[dict[str, Any]]]:
    """The provider's own ledger: the charges it made for an order."""
    parameters = {"SecretId": "trunkline/local/payments/provider-api-key"}
    key = shop.client("secretsmanager").get_secret_value(**parameters)["SecretString"]
    url = shop.status["processes"]["payments/sandbox"]["url"]

    def of(order_id: str) -> list[dict[str, Any]]:
        answer = urllib3.request(
            "GET", f"{url}/v1/charges", fields={"reference": order_id},
            headers={"Authorization": f"Bearer {key}"},
        )  # fmt: skip
        charged: list[dict[str, Any]] = answer.json()["data"]
        return charged

    return of


def _dead_letters(shop: Any, queue: str) -> list[dict[str, Any]]:
    client = shop.client("sqs")
    url = client.get_queue_url(QueueName=f"{queue}-dlq")["QueueUrl"]
    found = client.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=0
    )
    messages: list[dict[str, Any]] = found.get("Messages", [])
    return messages


def _take(shop: Any, queue: str, order_id: str) -> dict[str, Any] | None:
    """The dead letter about an order, which is removed from its queue."""
    client = shop.client("sqs")
    url = client.get_queue_url(QueueName=f"{queue}-dlq")["QueueUrl"]
    for letter in _dead_letters(shop, queue):
        if _about(letter, order_id):
            client.delete_message(QueueUrl=url, ReceiptHandle=letter["ReceiptHandle"])
            return letter
    return None


def _about(message: dict[str, Any], order_id: str) -> bool:
    return bool(json.loads(message["Body"])["data"]["order_id"] == order_id)


def test_failed_messages_wait_in_the_dead_letter_queue(
    shop: Any, customer: Any, faults: Any, eventually: Any, charges: Any
) -> None:
    """While payments fails, its messages are retried and end as dead letters with their reason;
    redriven once the fault is gone, every order completes, charged once."""
    buyer = customer()
    fault = {
        "id": "payments-cannot-write",
        "function": CHARGING,
        "action": "dynamodb:PutItem",
        "resource": "*trunkline-local-payments-payments",
        "when": "before",
        "effect": "deny",
    }
    with faults.injected(fault):
        orders = [buyer.order() for _ in range(3)]
        for order_id in orders:
            letter = eventually(
                f"dead letter of {order_id}",
                lambda order_id=order_id: next(
                    (m for m in _dead_letters(shop, CHARGING) if _about(m, order_id)), None
                ),
                timeout=120,
            )
            assert letter["MessageAttributes"]["reason"]["StringValue"]
            assert "PLACED" == buyer.status(order_id)
        assert faults.hits()["payments-cannot-write"] > len(orders), "messages were not retried"
    listed = json.loads(shop.dev("dead-letters", "--json").stdout)
    assert len(orders) <= len(listed)
    shop.dev("redrive", "payments")
    for order_id in orders:
        eventually(f"{order_id} confirmed", lambda o=order_id: buyer.status(o) == "CONFIRMED")
        assert 1 == len(charges(order_id))
    assert [] == _dead_letters(shop, CHARGING)


def test_an_event_delivered_twenty_times_charges_once(
    shop: Any, customer: Any, eventually: Any, charges: Any
) -> None:
    """The same event delivered 20 times, many at once, leads to one charge."""
    order_id = str(uuid.uuid4())
    event = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": "/trunkline/local/orders",
        "type": "orders.order_placed.v1",
        "subject": order_id,
        "time": "2026-01-01T00:00:00Z",
        "datacontenttype": "application/json",
        "data": {
            "order_id": order_id,
            "customer": "customer",
            "email": "customer@example.com",
            "total": {"amount": 1200, "currency": "EUR"},
            "card_token": "tok_visa",
        },
    }
    client = shop.client("sqs")
    url = client.get_queue_url(QueueName=CHARGING)["QueueUrl"]

    def deliver(_: int) -> None:
        client.send_message(
            QueueUrl=url,
            MessageBody=json.dumps(event),
            MessageAttributes={"type": {"DataType": "String", "StringValue": event["type"]}},
        )

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(deliver, range(20)))

    def drained() -> bool:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        left = client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return all(left[name] == "0" for name in names)

    eventually("the queue is drained", drained, timeout=180)
    assert 1 == len(charges(order_id))
    assert not any(_about(letter, order_id) for letter in _dead_letters(shop, CHARGING))
    # Nobody placed this order, so orders puts the news of its payment aside: once, as it came once.
    letter = eventually("the payment's news", lambda: _take(shop, SETTLING, order_id))
    assert "UnknownOrder" == letter["MessageAttributes"]["error_type"]["StringValue"]
    assert not any(_about(letter, order_id) for letter in _dead_letters(shop, SETTLING))


CRASHES = {
    # The message's lock is taken and nothing else has happened; the secret may come from a cache.
    "before the effect": {
        "action": "dynamodb:PutItem",
        "resource": "*trunkline-local-payments-idempotency",
        "when": "after",
    },
    "after the effect": {
        "action": "dynamodb:PutItem",
        "resource": "*trunkline-local-payments-payments",
        "when": "before",
    },
    "after the idempotency record": {
        "action": "dynamodb:UpdateItem",
        "resource": "*trunkline-local-payments-idempotency",
        "when": "after",
    },
    "before the acknowledgement": {"action": "lambda:Invoke", "when": "after"},
}


def test_killed_processes_lose_nothing_and_charge_once(
    shop: Any, customer: Any, faults: Any, eventually: Any, charges: Any
) -> None:
    """A process killed before the effect, after it, after the idempotency record, or before the
    acknowledgement: every order still completes, charged once."""
    buyer = customer()
    orders = {}
    for moment, where in CRASHES.items():
        rule = {"id": moment, "function": CHARGING, "effect": "kill", "times": 1, **where}
        with faults.injected(rule):
            orders[moment] = buyer.order()
            eventually(f"killed {moment}", lambda m=moment: faults.hits()[m] == 1)
    for moment, order_id in orders.items():
        eventually(
            f"confirmed although killed {moment}",
            lambda o=order_id: buyer.status(o) == "CONFIRMED",
            timeout=180,
        )
        assert 1 == len(charges(order_id)), moment


RELAY_CRASHES = {
    "before publishing": {"action": "sns:Publish", "when": "before"},
    "after publishing": {"action": "sns:Publish", "when": "after"},
    "after deleting": {"action": "dynamodb:DeleteItem", "when": "after"},
}


def test_killed_relays_lose_nothing_and_tell_once(
    customer: Any, faults: Any, eventually: Any, charges: Any, emails: Any
) -> None:
    """A relay killed at any moment publishes again under the same id: one charge, one e-mail."""
    buyer = customer()
    orders = {}
    for moment, where in RELAY_CRASHES.items():
        rule = {"id": moment, "function": "trunkline-local-orders-relay", "effect": "kill"}
        with faults.injected({**rule, "times": 1, **where}):
            orders[moment] = buyer.order()
            eventually(f"killed {moment}", lambda m=moment: faults.hits()[m] == 1)
    for moment, order_id in orders.items():
        eventually(f"an e-mail although killed {moment}", lambda o=order_id: emails(o), timeout=180)
        assert "CONFIRMED" == buyer.status(order_id), moment
        assert 1 == len(charges(order_id)), moment
        assert 1 == len(emails(order_id)), moment


OUTBOX = "trunkline-local-orders-outbox"


@contextmanager
def _stream_switched_off(shop: Any, eventually: Any) -> Iterator[None]:
    """Orders' relay does not hear of new items for the length of a block."""
    client = shop.client("lambda")
    name = "trunkline-local-orders-relay:live"
    (mapping,) = client.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]

    def switch(*, on: bool) -> None:
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=on)
        state = "Enabled" if on else "Disabled"
        eventually(
            f"the mapping is {state}",
            lambda: client.get_event_source_mapping(UUID=mapping["UUID"])["State"] == state,
        )

    switch(on=False)
    try:
        yield
    finally:
        switch(on=True)


def _waiting(shop: Any) -> dict[str, list[dict[str, Any]]]:
    """What waits in orders' outbox, by the order that it is about."""
    items = shop.client("dynamodb").scan(TableName=OUTBOX, ConsistentRead=True)["Items"]
    found: dict[str, list[dict[str, Any]]] = {}
    for item in items:
        found.setdefault(json.loads(item["envelope"]["S"])["subject"], []).append(item)
    return found


def _stored_earlier(shop: Any, item: dict[str, Any], hours: float) -> None:
    """Let an item have been stored so many hours ago."""
    stored_at = datetime.now(UTC) - timedelta(hours=hours)
    shop.client("dynamodb").update_item(
        TableName=OUTBOX,
        Key={"lane": item["lane"], "place": item["place"]},
        UpdateExpression="SET stored_at = :then",
        ExpressionAttributeValues={
            ":then": {"S": stored_at.isoformat(timespec="milliseconds")[:-6] + "Z"}
        },
    )


def test_orders_outlive_a_day_without_the_stream(
    shop: Any, customer: Any, grow_old: Any, eventually: Any, charges: Any, emails: Any
) -> None:
    """The relay's stream is off for 25 hours and has forgotten its records when it is on again: the
    sweep publishes what was left behind, and each order completes once."""
    buyer = customer()
    with _stream_switched_off(shop, eventually):
        orders = [buyer.order() for _ in range(3)]
        assert set(orders) <= _waiting(shop).keys()
        assert grow_old(OUTBOX, 25 * 3600) >= len(orders)
    later = buyer.order()
    eventually("the stream brings new orders again", lambda: buyer.status(later) == "CONFIRMED")
    waiting = _waiting(shop)
    assert set(orders) <= waiting.keys(), "the stream should have forgotten them"
    for order_id in orders:
        assert "PLACED" == buyer.status(order_id)
        for item in waiting[order_id]:
            _stored_earlier(shop, item, hours=25)
    for order_id in orders:
        eventually(f"{order_id} swept", lambda o=order_id: emails(o), timeout=120)
        assert "CONFIRMED" == buyer.status(order_id)
        assert 1 == len(charges(order_id))
        assert 1 == len(emails(order_id))
    assert not set(orders) & _waiting(shop).keys()


API_CRASHES = {
    "orders, before it stores": {
        "function": "trunkline-local-orders-api",
        "action": "dynamodb:PutItem",
        "resource": "*trunkline-local-orders-orders",
        "when": "before",
    },
    "orders, after it stored": {
        "function": "trunkline-local-orders-api",
        "action": "dynamodb:PutItem",
        "resource": "*trunkline-local-orders-orders",
        "when": "after",
    },
    "storefront, after it ordered": {
        "function": "trunkline-local-storefront-api",
        "action": "dynamodb:PutItem",
        "resource": "*trunkline-local-storefront-receipts",
        "when": "before",
    },
}


@pytest.mark.parametrize("crash", API_CRASHES)
def test_a_request_sent_again_after_a_crash_is_one_order(
    customer: Any, faults: Any, eventually: Any, charges: Any, emails: Any, crash: str
) -> None:
    """A customer who repeats a request that was cut off gets one order, charged once."""
    buyer, key = customer(), str(uuid.uuid4())
    body = {"sku": "mug", "quantity": 1, "card_token": "tok_visa"}

    def send() -> Any:
        return buyer.request("POST", "/orders", body, Idempotency_Key=key)

    with faults.injected({"id": crash, "effect": "kill", "times": 1, **API_CRASHES[crash]}):
        assert send().status >= 500
        assert 1 == faults.hits()[crash]
    eventually("the order is taken", lambda: send().status == 201)
    (order,) = buyer.request("GET", "/orders").json()["orders"]
    eventually("the e-mail", lambda: emails(order["order_id"]))
    assert "CONFIRMED" == buyer.status(order["order_id"])
    assert 1 == len(charges(order["order_id"]))


def test_a_letter_that_no_queue_takes_arrives_whole(
    customer: Any, eventually: Any, emails: Any
) -> None:
    """A gift's letter of 270 KB goes through the payload bucket and is in the e-mail, once."""
    letter = "\u795d" * 90_000
    body = {"sku": "mug", "quantity": 1, "card_token": "tok_visa", "gift_letter": letter}
    placed = customer().request("POST", "/orders", body, Idempotency_Key=str(uuid.uuid4()))
    assert placed.status == 201, placed.data
    order_id = placed.json()["order_id"]
    (mail,) = eventually("the e-mail", lambda: emails(order_id), timeout=120)
    assert letter in mail["text"]
