"""A simulated customer. Only :mod:`trunkline_devtools.load.runner` imports this: locust patches
the standard library when it is imported."""

from __future__ import annotations

import itertools
import json
import uuid
from typing import Any

from locust import HttpUser, constant_pacing, task

from trunkline_devtools.journey.steps import CARD, DECLINED_CARD
from trunkline_devtools.load.plan import LoadPlan, OrderMade

__all__ = ["ShopperBase", "make_shopper"]

_PACE_SECONDS = 0.6
_ROUND = ("order", "repeat", "order", "decline", "order", "look", "order")
"""What a customer does in turn; fixed, so that every run has all of it."""


class ShopperBase(HttpUser):
    """Signs in, then orders, repeats orders under their key, is declined, looks at orders."""

    abstract = True
    wait_time = constant_pacing(_PACE_SECONDS)
    plan: LoadPlan
    customers: itertools.cycle[tuple[str, str]]
    made: list[OrderMade]

    def on_start(self) -> None:
        """Sign in, and begin the round."""
        self._round = itertools.cycle(_ROUND)
        self._authorization = f"Bearer {self._sign_in()}"
        self._last: str | None = None

    @task
    def step(self) -> None:
        """The next thing in the round."""
        what = next(self._round)
        if what == "look" and self._last is not None:
            self._look(self._last)
        else:
            self._order(declined=what == "decline", repeated=what == "repeat")

    def _sign_in(self) -> str:
        username, password = next(self.customers)
        with self.client.post(
            self.plan.cloud_url,
            name="sign in",
            headers={
                "Content-Type": "application/x-amz-json-1.1",
                "X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth",
            },
            data=json.dumps(
                {
                    "AuthFlow": "USER_PASSWORD_AUTH",
                    "ClientId": self.plan.client_id,
                    "AuthParameters": {"USERNAME": username, "PASSWORD": password},
                }
            ),
            catch_response=True,
        ) as answer:
            if answer.status_code != 200:
                answer.failure(f"{answer.status_code}: {answer.text[:200]}")
                return ""
            return str(answer.json()["AuthenticationResult"]["IdToken"])

    def _order(self, *, declined: bool, repeated: bool) -> None:
        key = str(uuid.uuid4())
        body = {
            "sku": "mug",
            "quantity": 1,
            "card_token": DECLINED_CARD if declined else CARD,
        }
        order_id = self._place("decline" if declined else "order", key, body, expected=None)
        if order_id is None:
            return
        self._last = order_id
        requests = 1
        if repeated:
            self._place("repeated key", key, body, expected=order_id)
            requests = 2
        self.made.append(OrderMade(order_id, declined, requests))

    def _place(
        self, name: str, key: str, body: dict[str, Any], *, expected: str | None
    ) -> str | None:
        with self.client.post(
            f"{self.plan.shop_url}/orders",
            name=name,
            json=body,
            headers={"Authorization": self._authorization, "Idempotency-Key": key},
            catch_response=True,
        ) as answer:
            if answer.status_code != 201:
                answer.failure(f"{answer.status_code}: {answer.text[:200]}")
                return None
            order_id = str(answer.json()["order_id"])
            if expected not in {None, order_id}:
                answer.failure("the same key gave another order")
                return None
            return order_id

    def _look(self, order_id: str) -> None:
        with self.client.get(
            f"{self.plan.shop_url}/orders/{order_id}",
            name="look",
            headers={"Authorization": self._authorization},
            catch_response=True,
        ) as answer:
            if answer.status_code != 200:
                answer.failure(f"{answer.status_code}: {answer.text[:200]}")
            elif answer.json().get("degraded"):
                answer.failure("the storefront answered without asking orders")


def make_shopper(plan: LoadPlan, made: list[OrderMade]) -> type[ShopperBase]:
    """The class of the simulated customers of one run.

    Args:
        plan: Where they shop and who they are.
        made: Gets every order that the shop accepted.
    """
    return type(
        "Shopper",
        (ShopperBase,),
        {
            "host": plan.shop_url,
            "plan": plan,
            "customers": itertools.cycle(plan.customers),
            "made": made,
        },
    )
