"""A secret is rotated while the shop sells."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import urllib3

SECRET = "trunkline/local/payments/provider-api-key"
CHARGING = "trunkline-local-payments-on-order-placed"


class Provider:
    """The provider's own ledger, opened with any key."""

    def __init__(self, url: str) -> None:
        self._url = url

    def accepts(self, key: str) -> bool:
        """Whether a key is good."""
        return bool(self._get(key).status == 200)

    def charged(self, key: str, order_id: str) -> list[str]:
        """What became of each charge for an order."""
        charges = self._get(key, reference=order_id).json()["data"]
        return [str(charge["status"]) for charge in charges]

    def _get(self, key: str, **fields: str) -> Any:
        return urllib3.request(
            "GET", f"{self._url}/v1/charges", fields=fields,
            headers={"Authorization": f"Bearer {key}"},
        )  # fmt: skip


@pytest.fixture
def provider(shop: Any) -> Provider:
    """The payment provider's sandbox."""
    return Provider(shop.status["processes"]["payments/sandbox"]["url"])


@contextmanager
def traffic(buyer: Any) -> Iterator[list[str]]:
    """Orders come in, two at a time, for the length of a block; their ids."""
    orders: list[str] = []
    closed = threading.Event()

    def buy() -> None:
        while not closed.is_set():
            orders.append(buyer.order())

    with ThreadPoolExecutor(2) as pool:
        buying: list[Future[None]] = [pool.submit(buy) for _ in range(2)]
        try:
            yield orders
        finally:
            closed.set()
    for each in buying:
        each.result()


def test_the_providers_key_is_rotated_under_traffic(
    shop: Any, customer: Any, eventually: Any, provider: Provider
) -> None:
    """Twice: no order is lost, each is charged once, and the old key is refused afterwards."""
    secrets, buyer = shop.client("secretsmanager"), customer()

    def current() -> str:
        return str(secrets.get_secret_value(SecretId=SECRET)["SecretString"])

    before = secrets.describe_secret(SecretId=SECRET)
    assert before["RotationEnabled"]
    assert before["RotationLambdaARN"].endswith(
        ":trunkline-local-payments-rotate-provider-api-key:live"
    )
    keys = [current()]
    with traffic(buyer) as orders:
        eventually("orders come in", lambda: len(orders) >= 4)
        for _ in range(2):
            version = secrets.rotate_secret(SecretId=SECRET)["VersionId"]

            def rotated(version: str = version) -> bool:
                stages = secrets.describe_secret(SecretId=SECRET)["VersionIdsToStages"]
                return "AWSCURRENT" in stages[version] and not provider.accepts(keys[-1])

            eventually("the key is rotated and the old one refused", rotated, timeout=120)
            keys.append(current())
            placed = len(orders)
            eventually("more orders come in", lambda n=placed: len(orders) >= n + 4)
    assert len(set(keys)) == len(keys)
    assert [provider.accepts(key) for key in keys] == [False, False, True]
    for order_id in orders:
        eventually(
            f"{order_id} is confirmed", lambda o=order_id: buyer.status(o) == "CONFIRMED", 180
        )
        assert provider.charged(keys[-1], order_id) == ["captured"]
    queues = shop.client("sqs")
    url = queues.get_queue_url(QueueName=f"{CHARGING}-dlq")["QueueUrl"]
    assert "Messages" not in queues.receive_message(QueueUrl=url, VisibilityTimeout=0)


def test_nobody_but_the_rotation_writes_the_secret(probe: Any) -> None:
    """The function that charges may read the key and nothing more."""
    charging = probe("payments", "on-order-placed")
    assert charging.aws("secretsmanager", "get_secret_value", SecretId=SECRET) == "OK"
    for operation, parameters in {
        "put_secret_value": {"SecretString": "mine"},
        "rotate_secret": {},
        "describe_secret": {},
    }.items():
        answer = charging.aws("secretsmanager", operation, SecretId=SECRET, **parameters)
        assert answer == "AccessDeniedException", operation
    rotating = probe("payments", "rotate-provider-api-key")
    other = {"SecretId": "trunkline/local/orders/anything"}
    assert rotating.aws("secretsmanager", "get_secret_value", **other) == "AccessDeniedException"
