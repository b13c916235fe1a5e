"""The two commands and the plain AWS tools, as somebody uses them on the first day."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3


def _aws(shop: Any, *arguments: str) -> Any:
    """The plain AWS CLI with the keys that ``./dev status --json`` prints."""
    keys = shop.status["administrator"]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(shop.clone),
        "AWS_ACCESS_KEY_ID": keys["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": keys["secret_access_key"],
        "AWS_DEFAULT_REGION": shop.status["region"],
    }
    program = Path(sys.executable).with_name("aws")
    done = subprocess.run(
        # Version 1 of the CLI takes SQS's endpoint from no variable, so it is given as an option.
        [sys.executable, str(program), "--endpoint-url", shop.status["endpoint"], *arguments,
         "--output", "json"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout) if done.stdout.strip() else None


def test_an_order_ends_with_an_email(shop: Any) -> None:
    """`./dev order` follows an order until its e-mail, and prints the e-mail's text."""
    printed = shop.dev("order").stdout
    for stop in ("storefront", "orders", "payments", "notifications"):
        assert stop in printed
    assert re.search(r"confirmed", printed, re.IGNORECASE)


def test_a_declined_card_ends_in_a_cancelled_order(shop: Any) -> None:
    """`./dev order --decline` ends with a cancelled order and an e-mail that says so."""
    result = json.loads(shop.dev("order", "--decline", "--json").stdout)
    assert "CANCELLED" == result["status"].upper()
    assert re.search(r"cancel|declin", result["email"]["text"], re.IGNORECASE)


def test_plain_tools_list_and_call_what_runs(shop: Any) -> None:
    """The AWS CLI lists functions, queues and tables, and invokes nothing it may not."""
    functions = {f["FunctionName"] for f in _aws(shop, "lambda", "list-functions")["Functions"]}
    assert "trunkline-local-orders-api" in functions
    queues = _aws(shop, "sqs", "list-queues")["QueueUrls"]
    assert any(url.endswith("trunkline-local-payments-on-order-placed") for url in queues)
    assert "trunkline-local-orders-orders" in _aws(shop, "dynamodb", "list-tables")["TableNames"]
    assert shop.status["account_id"] == _aws(shop, "sts", "get-caller-identity")["Account"]
    tables = shop.client("dynamodb").list_tables()["TableNames"]
    assert set(shop.status["tables"]) <= set(tables)


def test_curl_places_an_order(shop: Any) -> None:
    """A signed-in customer's token and a plain HTTP client are all it takes to place an order."""
    body = {"sku": "mug", "quantity": 2, "card_token": "tok_visa"}
    headers = {
        "Authorization": shop.status["customer"]["id_token"],
        "Content-Type": "application/json",
        "Idempotency-Key": str(uuid.uuid4()),
    }
    url = f"{shop.status['public_url']}/orders"
    first = urllib3.request("POST", url, headers=headers, body=json.dumps(body))
    again = urllib3.request("POST", url, headers=headers, body=json.dumps(body))
    other = urllib3.request("POST", url, headers=headers, body=json.dumps({**body, "quantity": 3}))
    assert (201, 201, 422) == (first.status, again.status, other.status)
    assert first.json() == again.json()


def test_one_trace_leads_from_the_request_to_the_email(shop: Any) -> None:
    """`./dev trace` shows one tree, under one trace id, from the storefront to notifications."""
    order_id = json.loads(shop.dev("order", "--json").stdout)["order_id"]
    (trace,) = json.loads(shop.dev("trace", order_id, "--json").stdout)
    (root,) = trace["spans"]
    spans = list(_tree(root))
    assert "storefront" == root["service"]
    assert {trace["trace_id"]} == {span["trace_id"] for span in spans}
    assert {"storefront", "orders", "payments", "notifications"} <= {s["service"] for s in spans}
    assert any("send_email" in span["name"] for span in spans)


def _tree(span: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield span
    for child in span["children"]:
        yield from _tree(child)


def test_plans_are_empty_after_up(shop: Any) -> None:
    """Terraform finds nothing to change in any root right after `up`."""
    roots = sorted(
        path.parent.name for path in (shop.clone / "terraform/local").glob("*/cdk.tf.json")
    )
    planned = json.loads(shop.dev("plan", "local", "--json", timeout=600).stdout)
    assert dict.fromkeys(roots, 0) == {name: plan["total"] for name, plan in planned.items()}


def test_up_resumes_from_kept_state(shop: Any) -> None:
    """`down` keeps state and a second `up` applies nothing; earlier orders are still there."""
    order_id = json.loads(shop.dev("order", "--json").stdout)["order_id"]
    port = str(urllib3.util.parse_url(shop.status["endpoint"]).port)
    shop.dev("down")
    resumed = shop.dev("up", "--detach", "--port", port)
    assert "no Terraform needed" in resumed.stdout + resumed.stderr
    assert "ready after" in resumed.stdout + resumed.stderr
    assert order_id in shop.dev("trace", order_id, "--json").stdout


def test_no_secret_is_in_any_terraform_state(shop: Any) -> None:
    """No state file holds the value of a secret."""
    client = shop.client("secretsmanager")
    values = {
        client.get_secret_value(SecretId=secret["ARN"])["SecretString"]
        for secret in client.list_secrets()["SecretList"]
    }
    states = list((shop.clone / ".trunkline").rglob("*.tfstate*"))
    assert values
    assert states
    for state in states:
        text = state.read_text()
        assert not any(value in text for value in values), state


def test_load_ends_without_a_failed_request(shop: Any) -> None:
    """`./dev load` fails no request, and every order reaches its final state exactly once."""
    report = json.loads(
        shop.dev("load", "--users", "5", "--time", "90s", "--json", timeout=400).stdout
    )
    assert 0 == report["failures"]
    assert 150 <= report["orders"]
    assert 20 <= report["declines"]
    assert 20 <= report["repeated_keys"]
    assert [] == report["inconsistent_orders"]


@pytest.mark.ends_the_shop
def test_destroy_leaves_nothing(shop: Any) -> None:
    """`down --destroy` destroys every root with Terraform, and no resource is left in any state."""
    shop.dev("down", "--destroy", timeout=900)
    states = list((shop.clone / ".trunkline/local/terraform").glob("*.tfstate"))
    assert states
    assert {path.name: [] for path in states} == {
        path.name: json.loads(path.read_text())["resources"] for path in states
    }


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("apply", "nowhere"), "nowhere"),
        (("plan", "nowhere"), "nowhere"),
        (("trace", "no-such-order"), "no-such-order"),
        (("redrive", "no-such-service"), "no-such-service"),
        (("secret", "set", "payments/nothing", "--environment", "local"), "nothing"),
        (("order", "--no-such-option"), "--no-such-option"),
    ],
)
def test_bad_input_gets_one_clear_line(shop: Any, arguments: tuple[str, ...], says: str) -> None:
    """Bad input exits with an error that names what was wrong, and without a traceback."""
    done = shop.dev(*arguments, check=False, stdin="value\n")
    assert 0 != done.returncode
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_named(clone: Path) -> None:
    """`up` on a port that something else holds says which port."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        done = subprocess.run(
            [clone / "dev", "up", "--detach", "--port", port],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert 0 != done.returncode
    assert port in done.stderr
    assert "Traceback" not in done.stderr


def test_a_provider_that_cannot_be_had_is_named(clone: Path) -> None:
    """`up` says in one line which provider is missing and which variable may name its folder."""
    for root in (clone / "terraform" / "local").glob("*/cdk.tf.json"):
        root.write_text(root.read_text().replace("5.100.0", "5.100.999"))  # there is no such one
    done = subprocess.run(
        [clone / "dev", "up", "--detach"], capture_output=True, text=True, check=False
    )
    assert 0 != done.returncode
    (line,) = (line for line in done.stderr.splitlines() if "5.100.999 is not" in line)
    assert "TRUNKLINE_TERRAFORM_PLUGIN_DIR" in line
    assert "Traceback" not in done.stderr
