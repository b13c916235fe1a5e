"""The tests of a service, on the running platform: its real tables, queues and roles."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from trunkline.errors import AwsError
from trunkline.testing import ServiceHarness
from trunkline.testing.aws.running import RunningCloud

ROOT = Path(__file__).parents[2]


@pytest.fixture
def keys(shop: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The administrator's keys, where boto3 looks for them."""
    found = {
        "AWS_ACCESS_KEY_ID": shop.status["administrator"]["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": shop.status["administrator"]["secret_access_key"],
        "AWS_REGION": shop.status["region"],
        "AWS_DEFAULT_REGION": shop.status["region"],
    }
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found


def test_the_tests_of_orders_pass_on_the_platform(
    shop: Any, keys: dict[str, str], customer: Any, eventually: Any
) -> None:
    """The same tests; those that inject faults are skipped and say why. Then the shop sells on."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
         "services/orders/tests/test_orders_service.py", "--local-cloud", shop.status["endpoint"]],
        cwd=ROOT, env={**os.environ, **keys}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    (passed,) = re.findall(r"(\d+) passed", done.stdout)
    assert int(passed) >= 10
    assert "faults: they are injected into this process's AWS" in done.stdout
    buyer = customer()
    order_id = buyer.order()
    eventually("the order is confirmed", lambda: buyer.status(order_id) == "CONFIRMED", 120)


def test_a_function_there_may_only_do_what_its_role_says(shop: Any, keys: dict[str, str]) -> None:
    """The relay's role cannot read orders, whatever the test's own keys may do."""
    from orders.service import orders, service

    cloud = RunningCloud(shop.status["endpoint"])
    try:
        with ServiceHarness(service, cloud) as harness:
            assert orders.get("nobody's") is None
            with harness.cloud.inside("api"):
                assert orders.get("nobody's") is None
            physical = os.environ["TRUNKLINE_TABLE_ORDERS"]
            with harness.cloud.inside("relay"):
                os.environ["TRUNKLINE_TABLE_ORDERS"] = physical
                with pytest.raises(AwsError, match="AccessDenied"):
                    orders.get("nobody's")
    finally:
        cloud.close()
