"""A customer's order at the public API: place it, look at it."""

from __future__ import annotations

import json
import secrets
import uuid
from dataclasses import dataclass
from typing import Any

import urllib3

from trunkline_devtools.errors import JourneyFailed

__all__ = ["CARD", "DECLINED_CARD", "Placed", "Shop"]

CARD = "tok_visa"
"""A card that the payment sandbox charges."""
DECLINED_CARD = "tok_declined"
"""The card that the payment sandbox declines."""

_RETRIES = urllib3.Retry(
    total=5,
    connect=0,
    read=0,
    redirect=0,
    allowed_methods=None,
    status_forcelist=[503],
    respect_retry_after_header=True,
    raise_on_status=False,
)
"""A 503 asks for the same request again after a while; its key makes that safe for commands too."""
_TIMEOUT = urllib3.Timeout(connect=5.0, read=30.0)


@dataclass(frozen=True)
class Placed:
    """An order that the shop has accepted."""

    order_id: str
    trace_id: str
    """The trace that the customer's request began."""
    answer: dict[str, Any]


class Shop:
    """The storefront's public API, as a signed-in customer uses it."""

    def __init__(self, url: str, id_token: str) -> None:
        self._url = url.rstrip("/")
        self._authorization = {"Authorization": f"Bearer {id_token}"}
        self._http = urllib3.PoolManager(retries=_RETRIES, timeout=_TIMEOUT)

    def place_order(self, *, card: str = CARD, sku: str = "green-tea", quantity: int = 2) -> Placed:
        """Place an order under a fresh idempotency key and a fresh trace.

        Raises:
            JourneyFailed: the shop did not accept it.
        """
        trace_id = secrets.token_hex(16)
        answer = self._call(
            "POST",
            "/orders",
            body={"sku": sku, "quantity": quantity, "card_token": card},
            headers={
                "Idempotency-Key": str(uuid.uuid4()),
                # W3C Trace Context: version, trace id, parent id, sampled.
                "traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01",
            },
        )
        return Placed(str(answer["order_id"]), trace_id, answer)

    def order(self, order_id: str) -> dict[str, Any]:
        """What the shop says about one of the customer's orders.

        Raises:
            JourneyFailed: it does not answer with the order.
        """
        return self._call("GET", f"/orders/{order_id}")

    def _call(
        self,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        content = {"Content-Type": "application/json"} if body is not None else {}
        try:
            answer = self._http.request(
                method,
                f"{self._url}{path}",
                body=None if body is None else json.dumps(body),
                headers={**self._authorization, **content, **(headers or {})},
            )
        except urllib3.exceptions.HTTPError as error:
            raise JourneyFailed(f"{method} {path} failed: {error}") from error
        text = answer.data.decode(errors="replace")
        if answer.status not in {200, 201}:
            raise JourneyFailed(f"{method} {path} answered {answer.status}: {text}")
        result: dict[str, Any] = json.loads(text)
        return result
