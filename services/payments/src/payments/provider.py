"""The payment provider's HTTP API: ``POST /v1/charges``, idempotent by ``Idempotency-Key``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import urllib3
from pydantic import SecretStr

from payments.errors import ProviderKeyRefused, ProviderRefused, ProviderUnavailable
from payments.payment import Outcome, PaymentStatus
from trunkline import Money
from trunkline.telemetry.tracing import span

CONNECT_SECONDS = 1.0
MAX_SECONDS = 4.0
"""The longest that an answer may take. Also twice, with a refreshed key, connecting and waiting
stay within the function's own timeout of ten seconds."""


class Provider:
    """Charges cards.

    Args:
        url: gives the base URL; asked at each charge, since importing must not need it.
        seconds: gives the seconds that an answer may take, asked at each charge too.
    """

    def __init__(self, url: Callable[[], str], seconds: Callable[[], float]) -> None:
        self._url = url
        self._seconds = seconds
        # One pool for the life of the process, so warm invocations find an open connection. No
        # retries here: the queue retries, with the time to do so.
        self._pool = urllib3.PoolManager(retries=False)

    def charge(self, key: SecretStr, *, order_id: str, amount: Money, card_token: str) -> Outcome:
        """Charge a card for an order; however often it is called, the provider charges once.

        Raises:
            ProviderUnavailable: no answer, or 5xx or 429; call again.
            ProviderKeyRefused: 401 or 403.
            ProviderRefused: any other refusal.
        """
        body = {
            "amount": amount.amount,
            "currency": amount.currency,
            "source": card_token,
            "reference": order_id,
        }
        status, answer = self._post(key, order_id, body)
        if status in (200, 201):
            return _captured(answer)
        reason = _error_code(answer, status)
        if status == 402:
            return Outcome(PaymentStatus.DECLINED, reason)
        if status in (401, 403):
            raise ProviderKeyRefused(f"the provider refuses our key: {reason}")
        if status == 429 or status >= 500:
            raise ProviderUnavailable(f"the provider answers {status}: {reason}")
        raise ProviderRefused(f"the provider answers {status}: {reason}")

    def _post(self, key: SecretStr, order_id: str, body: dict[str, Any]) -> tuple[int, object]:
        headers = {
            "Authorization": f"Bearer {key.get_secret_value()}",
            "Content-Type": "application/json",
            "Idempotency-Key": order_id,
        }
        url = f"{self._url().rstrip('/')}/v1/charges"
        with span("call provider", kind="client") as call:
            try:
                response = self._pool.request(
                    "POST",
                    url,
                    body=json.dumps(body),
                    headers=headers,
                    timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=self._seconds()),
                    redirect=False,
                )
            except urllib3.exceptions.HTTPError as error:
                # Its text can hold the request, so only its kind goes on.
                kind = type(error).__name__
                raise ProviderUnavailable(f"no answer from the provider: {kind}") from error
            call.set_attribute("http.response.status_code", response.status)
        try:
            return response.status, response.json()
        except ValueError:
            return response.status, None


def _captured(answer: object) -> Outcome:
    charge_id = answer.get("id") if isinstance(answer, dict) else None
    if not isinstance(charge_id, str):
        # The charge has happened, but we do not know under which id: the repeat will tell.
        raise ProviderUnavailable("the provider's answer names no charge")
    return Outcome(PaymentStatus.CAPTURED, charge_id)


def _error_code(answer: object, status: int) -> str:
    error = answer.get("error") if isinstance(answer, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) else f"http_{status}"
