"""Collecting what the services and the payment provider have on record."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable

import urllib3

from trunkline.manifest import names
from trunkline_devtools.aws import Aws, emails, read_secret, scan
from trunkline_devtools.errors import DevtoolsError
from trunkline_devtools.journey import FINAL
from trunkline_devtools.load.plan import OrderMade
from trunkline_devtools.load.verify import Evidence, StoredOrder
from trunkline_devtools.local import RunningPlatform
from trunkline_devtools.waiting import wait_for
from trunkline_devtools.workspace import LOCAL

__all__ = ["collect", "wait_until_settled"]

_PROVIDER = "payments/sandbox"
_VERSION = "_version"
"""The attribute in which the runtime counts the writes of an item."""
_TIMEOUT_SECONDS = 180.0
_INTERVAL_SECONDS = 1.0


def wait_until_settled(running: RunningPlatform, made: Iterable[OrderMade]) -> bool:
    """Wait until every order is final and has brought an e-mail; whether that happened."""
    wanted = {order.order_id for order in made}

    def settled() -> bool | None:
        final = {
            order_id for order_id, order in _orders(running.aws).items() if order.status in FINAL
        }
        if not wanted <= final:
            return None
        return True if wanted <= _emails(running.aws, wanted).keys() else None

    return bool(wait_for(settled, timeout=_TIMEOUT_SECONDS, interval=_INTERVAL_SECONDS))


def collect(running: RunningPlatform, made: Iterable[OrderMade]) -> Evidence:
    """What is on record about these orders.

    Raises:
        DevtoolsError: a record cannot be read.
    """
    wanted = {order.order_id for order in made}
    return Evidence(
        orders=_orders(running.aws),
        payments={
            str(item["order_id"]): str(item["status"])
            for item in scan(running.aws, names.table(LOCAL, "payments", "payments"))
        },
        charges=_charges(running),
        emails=_emails(running.aws, wanted),
    )


def _orders(aws: Aws) -> dict[str, StoredOrder]:
    return {
        str(item["order_id"]): StoredOrder(str(item["status"]), int(item[_VERSION]))
        for item in scan(aws, names.table(LOCAL, "orders", "orders"))
    }


def _emails(aws: Aws, wanted: set[str]) -> Counter[str]:
    """E-mails by order. An e-mail names its order somewhere in its text."""
    found: Counter[str] = Counter()
    for email in emails(aws):
        words = {word.strip(".,:;()") for word in f"{email.subject} {email.text}".split()}
        found.update(words & wanted)
    return found


def _charges(running: RunningPlatform) -> dict[str, tuple[str, ...]]:
    companions = running.platform.companions
    provider = next((item for item in companions if item.id == _PROVIDER), None)
    url = provider.url() if provider else None
    if provider is None or provider.secret is None or url is None:
        raise DevtoolsError("the payment provider's sandbox does not run")
    key = read_secret(running.aws, LOCAL, provider.service, provider.secret)
    answer = urllib3.request("GET", f"{url}/v1/charges", headers={"Authorization": f"Bearer {key}"})
    if answer.status != 200:
        raise DevtoolsError(f"the payment provider's ledger cannot be read: {answer.status}")
    charges: dict[str, tuple[str, ...]] = {}
    for charge in json.loads(answer.data)["data"]:
        reference = str(charge["reference"])
        charges[reference] = (*charges.get(reference, ()), str(charge["status"]))
    return charges
