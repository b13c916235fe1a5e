"""The payment provider's HTTP API: charges, idempotent by ``Idempotency-Key``, and API keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import urllib3
from pydantic import SecretStr

from payments.errors import ProviderKeyRefused, ProviderRefused, ProviderUnavailable
from payments.payment import Outcome, PaymentStatus
from trunkline import Money
from trunkline.errors import CallRefused, Unavailable
from trunkline.telemetry.tracing import span

CONNECT_SECONDS = 1.0
MAX_SECONDS = 4.0
"""The longest that an answer may take. Also twice, with a refreshed key, connecting and waiting
stay within the function's own timeout of ten seconds."""


class Provider:
    """Charges cards, and replaces the key that this takes.

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
        status, answer = self._request("POST", "/v1/charges", key, body, order_id)
        if status in (200, 201):
            return _captured(answer)
        reason = _error_code(answer, status)
        if status == 402:
            return Outcome(PaymentStatus.DECLINED, reason)
        raise _trouble(status, reason)

    def new_key(self, key: SecretStr, token: str) -> SecretStr:
        """Have one more key issued; the same token always gives the same one.

        Raises:
            ProviderUnavailable, ProviderKeyRefused, ProviderRefused: as for a charge.
        """
        answer = self._managed("POST", "/v1/keys", key, token)
        issued = answer.get("key") if isinstance(answer, dict) else None
        if not isinstance(issued, str):
            raise ProviderUnavailable("the provider's answer names no key")
        return SecretStr(issued)

    def check(self, key: SecretStr) -> None:
        """Make sure that a key is good, without charging anybody; raises as for a charge."""
        self._managed("GET", "/v1/charges?reference=none", key)

    def revoke_others(self, key: SecretStr) -> None:
        """Make this the only good key; raises as for a charge."""
        self._managed("POST", "/v1/keys/revoke-others", key)

    def _managed(self, method: str, path: str, key: SecretStr, token: str | None = None) -> object:
        status, answer = self._request(method, path, key, None, token)
        if status in (200, 201):
            return answer
        raise _trouble(status, _error_code(answer, status))

    def _request(
        self,
        method: str,
        path: str,
        key: SecretStr,
        body: dict[str, Any] | None,
        idempotency_key: str | None,
    ) -> tuple[int, object]:
        headers = {
            "Authorization": f"Bearer {key.get_secret_value()}",
            "Content-Type": "application/json",
        }
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        url = f"{self._url().rstrip('/')}{path}"
        with span("call provider", kind="client") as call:
            try:
                response = self._pool.request(
                    method,
                    url,
                    body=None if body is None else json.dumps(body),
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


def _trouble(status: int, reason: str) -> Unavailable | CallRefused:
    if status in (401, 403):
        return ProviderKeyRefused(f"the provider refuses our key: {reason}")
    if status == 429 or status >= 500:
        return ProviderUnavailable(f"the provider answers {status}: {reason}")
    return ProviderRefused(f"the provider answers {status}: {reason}")


def _error_code(answer: object, status: int) -> str:
    error = answer.get("error") if isinstance(answer, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) else f"http_{status}"
