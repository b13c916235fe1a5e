"""What a function imports until it has handled its first event, as every cold start pays for it.

Modules are counted, not milliseconds: the number is the same on every machine. A budget is raised
in the open, here, with the reason in the commit; forbidden modules have none.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import pytest

from notifications_contract import OrderConfirmedEmail, SendEmail
from orders.order import Order
from orders_contract import OrderPlaced
from payments_contract import PaymentCaptured
from trunkline import Caller, Money
from trunkline.aws.items import to_item
from trunkline.contracts.message import Message
from trunkline.events.cloudevents import CloudEvent
from trunkline.events.outbox import OutboxItem, OutboxKey
from trunkline.testing.events import api_event, queue_record, stream_record

BUDGETS = {
    # entry: (ours and third parties', the standard library's); the second differs by a few modules
    # between versions of Python, so it has a little room.
    "api": (184, 185),
    "event": (193, 185),
    "tasks": (301, 185),
    "relay": (306, 185),
    "rotation": (290, 185),
}
"""Modules beyond those of a bare interpreter."""

FORBIDDEN = {
    "aws_lambda_powertools",  # what it does for others, the runtime does for itself
    "boto3",  # its sessions import resources, and those S3's transfers
    "s3transfer",
    "requests",
    "jsonschema",
    "joserfc",  # API Gateway verifies tokens; only containers and load balancers need it
    "cryptography",
    "moto",
    "pytest",
    "hypothesis",
    "pydantic_settings",
    "opentelemetry.sdk",
    "opentelemetry.propagators",
    "opentelemetry.semconv",
    "trunkline.testing",
    "trunkline.tokens",
    "trunkline.declaration.manifest_of",
    "asyncio",
    "concurrent.futures.process",
    "multiprocessing",
    "sqlite3",
    "tkinter",
    "unittest",
}
"""Modules, and packages with all that is in them, that no function may import."""

SECRET = "payments-provider-api-key"
TOKEN = "t" * 32


class Aws(BaseHTTPRequestHandler):
    """Answers like AWS, as far as the first event of each entry asks."""

    protocol_version = "HTTP/1.1"
    order: ClassVar[dict[str, Any]]

    def do_POST(self) -> None:
        """Answer a call of DynamoDB, SNS, SES or Secrets Manager."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        kind = "application/x-amz-json-1.0"
        match operation:
            case "GetItem" if json.loads(body)["TableName"] == "orders":
                answer = json.dumps({"Item": self.order})
            case "BatchGetItem":
                ((table, wanted),) = json.loads(body)["RequestItems"].items()
                answer = json.dumps({"Responses": {table: wanted["Keys"]}})
            case "DescribeSecret":
                stages = {TOKEN: ["AWSPENDING"]}
                answer = json.dumps(
                    {"Name": SECRET, "RotationEnabled": True, "VersionIdsToStages": stages}
                )
            case "GetSecretValue":
                answer = json.dumps({"SecretString": "already-issued"})
            case "" if self.path == "/":
                kind, answer = "text/xml", published(body.decode())
            case "":
                answer = json.dumps({"MessageId": "m-1"})
            case _:
                answer = "{}"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


def published(body: str) -> str:
    """SNS's answer to a PublishBatch: all of it was published."""
    ids = [value for name, value in parse_qsl(body) if name.endswith(".Id")]
    done = "".join(f"<member><Id>{one}</Id><MessageId>m</MessageId></member>" for one in ids)
    return (
        "<PublishBatchResponse><PublishBatchResult><Failed/>"
        f"<Successful>{done}</Successful></PublishBatchResult></PublishBatchResponse>"
    )


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Where that AWS listens."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Aws)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


TOTAL = Money(amount=1250, currency="EUR")
ORDER = Order.model_validate(
    {
        "order_id": "o-1",
        "customer": "ann",
        "email": "ann@example.com",
        "sku": "mug",
        "quantity": 1,
        "total": TOTAL,
        "placed_at": "2026-11-22T10:00:00Z",
    }
)
Aws.order = to_item(ORDER.model_dump(mode="json"))


def of_queue(message: Message) -> dict[str, Any]:
    """Lambda's event for one message."""
    envelope = CloudEvent.of(message, event_id="e-1", source="payments")
    return {"Records": [queue_record(envelope.dump())]}


def of_outbox() -> dict[str, Any]:
    """Lambda's event for one item that was put into the outbox."""
    placed = OrderPlaced(order_id="o-1", customer="ann", total=TOTAL, card_token="tok_visa")
    envelope = CloudEvent.of(placed, event_id="e-1", source="orders")
    item = OutboxItem(OutboxKey("e-1", "v1"), "event", "orders", envelope)
    return {"Records": [stream_record(to_item(item.values()), 1)]}


PLACE = {
    "customer": "ann",
    "email": "ann@example.com",
    "sku": "mug",
    "quantity": 1,
    "card_token": "tok_visa",
}
EMAIL = SendEmail(
    reference="o-1",
    to="ann@example.com",
    content=OrderConfirmedEmail(order_id="o-1", sku="mug", quantity=1, total=TOTAL),
)
CASES: dict[str, tuple[str, str, dict[str, Any], Any]] = {
    "api": (
        "orders",
        "api",
        api_event(
            "POST",
            "/orders",
            PLACE,
            caller=Caller.service("storefront"),
            headers={"Idempotency-Key": "k-1"},
        ),
        201,
    ),
    "event": (
        "orders",
        "on-payment-captured",
        of_queue(PaymentCaptured(order_id="o-1", charge_id="c-1", amount=TOTAL)),
        {"batchItemFailures": []},
    ),
    "tasks": ("notifications", "tasks", of_queue(EMAIL), {"batchItemFailures": []}),
    "relay": ("orders", "relay", of_outbox(), {"batchItemFailures": []}),
    "rotation": (
        "payments",
        "rotate-provider-api-key",
        {"Step": "createSecret", "SecretId": SECRET, "ClientRequestToken": TOKEN},
        None,
    ),
}
"""By entry: service, function, first event, and its answer (of an API call the status)."""

CHILD = """
import json, sys
bare = set(sys.modules)
from trunkline import entrypoints

class Context:
    aws_request_id = "r-1"
    def get_remaining_time_in_millis(self):
        return 10_000

answer = getattr(entrypoints, sys.argv[1])(json.loads(sys.argv[2]), Context())
print(json.dumps({"answer": answer, "modules": sorted(set(sys.modules) - bare)}))
"""


def first_event(entry: str, endpoint: str) -> tuple[Any, set[str], str]:
    """The answer to an entry's first event, the modules that it took, and what was logged."""
    service, function, event, _ = CASES[entry]
    variables = {
        "TRUNKLINE_ENTRY": f"{service}.service:service",
        "TRUNKLINE_SERVICE": service,
        "TRUNKLINE_FUNCTION": function,
        "TRUNKLINE_ENVIRONMENT": "test",
        "TRUNKLINE_CALLERS": "storefront",
        "TRUNKLINE_TABLE_ORDERS": "orders",
        "TRUNKLINE_TABLE_BY_CUSTOMER": "by-customer",
        "TRUNKLINE_TABLE_OUTBOX": "outbox",
        "TRUNKLINE_TABLE_IDEMPOTENCY": "idempotency",
        "TRUNKLINE_TOPIC": "arn:aws:sns:eu-central-1:123456789012:orders",
        "TRUNKLINE_SECRET_PROVIDER_API_KEY": SECRET,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "eu-central-1",
    }
    done = subprocess.run(
        [sys.executable, "-c", CHILD, entry, json.dumps(event)],
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    return last["answer"], set(last["modules"]), done.stdout


@pytest.mark.parametrize("entry", CASES)
def test_an_entry_imports_what_it_needs(entry: str, endpoint: str) -> None:
    """Its first event is handled, within the budget, and without what no function may import."""
    answer, modules, logged = first_event(entry, endpoint)
    wanted = CASES[entry][3]
    assert wanted == (answer["statusCode"] if isinstance(wanted, int) else answer), logged
    crept_in = {
        module
        for module in modules
        for forbidden in FORBIDDEN
        if module == forbidden or module.startswith(f"{forbidden}.")
    }
    assert crept_in == set()
    standard = {name for name in modules if name.partition(".")[0] in sys.stdlib_module_names}
    counted = (len(modules - standard), len(standard))
    assert all(count <= budget for count, budget in zip(counted, BUDGETS[entry], strict=True)), (
        f"{entry} imports {counted}, its budget is {BUDGETS[entry]}:\n"
        + "\n".join(sorted(modules - standard))
    )
