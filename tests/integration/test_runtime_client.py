"""A function behaves under AWS's own runtime client as it does in the local cloud.

The same events go to two copies of a function, each with the role, the variables and the network of
the original: one runs in the local cloud's own process, the other under `awslambdaric` behind a
Runtime API (twin.py). Both begin cold.
"""

from __future__ import annotations

import io
import json
import re
import sys
import uuid
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import files
from pathlib import Path
from typing import Any

import pytest

if sys.platform != "linux":
    pytest.skip("AWS publishes its runtime client for Linux alone", allow_module_level=True)

TWIN = Path(__file__).with_name("twin.py")
RUNTIME_CLIENT = ("awslambdaric", "snapshot-restore-py", "simplejson")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
ORDER = {
    "customer": "twin-customer",
    "email": "twin@customer.example",
    "sku": "mug",
    "quantity": 2,
    "card_token": "tok_visa",
}


@dataclass(frozen=True)
class Run:
    """What one copy made of one event."""

    answer: str
    """The response as it is on the wire, but for the moment at which an order was placed."""
    log: list[Any]
    calls: list[tuple[str, str, str]]
    """Action, resource and decision of each AWS call."""


class Copy:
    """A copy of a function, which keeps its process from event to event."""

    def __init__(
        self, shop: Any, control: Callable[..., Any], name: str, group: str, *, twin: bool
    ) -> None:
        self._functions = shop.client("lambda")
        self._logs = shop.client("logs")
        self._control = control
        self._name = name
        self._group = group
        self._twin = twin

    def run(self, event: Any) -> Run:
        """Give it an event."""
        before = max((call["seq"] for call in self._control("GET", "requests?since=0")), default=0)
        payload = {"event": json.dumps(event)} if self._twin else event
        answer = self._functions.invoke(FunctionName=self._name, Payload=json.dumps(payload))
        body = answer["Payload"].read().decode()
        if self._twin:
            told = json.loads(body)
            assert told.get("kind") == "response", told
            body, log = told["body"], told["log"]
        else:
            assert "FunctionError" not in answer, body
            log = self._log(answer)
        calls = [
            (call["action"], call["resource"], call["decision"])
            for call in self._control("GET", f"requests?since={before}")
            if call["function"] == self._name and call["action"]
        ]
        return Run(PLACED_AT.sub("<placed_at>", body), [_told(line) for line in log], calls)

    def _log(self, answer: dict[str, Any]) -> list[str]:
        request_id = answer["ResponseMetadata"]["RequestId"]
        pages = self._logs.get_paginator("filter_log_events").paginate(logGroupName=self._group)
        lines = [event["message"] for page in pages for event in page["events"]]
        (start,) = (
            n for n, line in enumerate(lines) if line.startswith(f"START RequestId: {request_id}")
        )
        (end,) = (
            n for n, line in enumerate(lines) if line.startswith(f"END RequestId: {request_id}")
        )
        return lines[start + 1 : end]


def _told(line: str) -> Any:
    """A log line without what is new each time: ids, moments, durations."""
    return _same(json.loads(line)) if line.startswith("{") else line


CHANGING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{16}\b|\b[0-9a-f]{32}\b"
)
PLACED_AT = re.compile(r"20\d\d-\d\d-\d\dT[0-9:.]+Z")
MOMENTS = frozenset({"time", "start", "end", "timestamp", "Timestamp", "latency", "stored_at"})


def _same(value: Any, key: str = "") -> Any:
    if key.lower() in MOMENTS or key in MOMENTS:
        return f"<{key}>"
    if isinstance(value, dict):
        return {name: _same(part, name) for name, part in value.items()}
    if isinstance(value, list):
        return [_same(part) for part in value]
    return CHANGING.sub("<id>", value) if isinstance(value, str) else value


@pytest.fixture(scope="module")
def copies(shop: Any, control: Any, bundle: Any) -> Iterator[Callable[[str, str], list[Copy]]]:
    """Make both copies of a service's function."""
    functions = shop.client("lambda")
    made: list[str] = []

    def make(service: str, function: str) -> list[Copy]:
        original = functions.get_function_configuration(
            FunctionName=f"trunkline-local-{service}-{function}"
        )
        package = _with_runtime_client(bundle(service))
        found = []
        for twin in (False, True):
            name = f"{'twin' if twin else 'copy'}-{service}-{function}-{uuid.uuid4().hex[:8]}"
            variables = dict(original["Environment"]["Variables"])
            variables |= {"TWIN_HANDLER": original["Handler"]} if twin else {}
            functions.create_function(
                FunctionName=name,
                Role=original["Role"],
                Runtime=original["Runtime"],
                Handler="twin.handler" if twin else original["Handler"],
                Timeout=30,
                Code={"ZipFile": package},
                Environment={"Variables": variables},
                # The role may write to the original's log group alone.
                LoggingConfig={"LogGroup": original["LoggingConfig"]["LogGroup"]},
                VpcConfig={
                    "SubnetIds": original["VpcConfig"]["SubnetIds"],
                    "SecurityGroupIds": original["VpcConfig"]["SecurityGroupIds"],
                },
            )
            made.append(name)
            functions.get_waiter("function_active_v2").wait(FunctionName=name)
            group = original["LoggingConfig"]["LogGroup"]
            found.append(Copy(shop, control, name, group, twin=twin))
        return found

    yield make
    for name in made:
        functions.delete_function(FunctionName=name)


def _with_runtime_client(package: bytes) -> bytes:
    archive = io.BytesIO(package)
    with zipfile.ZipFile(archive, "a") as added:
        added.write(TWIN, "twin.py")
        for distribution in RUNTIME_CLIENT:
            for file in files(distribution) or ():
                if file.suffix != ".pyc" and ".." not in file.parts:
                    added.write(str(file.locate()), str(file))
    return archive.getvalue()


def _api(method: str, resource: str, body: Any = None, **parts: Any) -> dict[str, Any]:
    """An event of API Gateway's, from the storefront, in a known trace."""
    caller = "arn:aws:sts::000000000000:assumed-role/trunkline-local-storefront-api/session"
    return {
        "httpMethod": method,
        "resource": resource,
        "path": parts.get("path", resource),
        "pathParameters": parts.get("variables"),
        "headers": {
            "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01",
            "Content-Type": "application/json",
            **parts.get("headers", {}),
        },
        "requestContext": {"identity": {"userArn": caller}, "requestId": "r"},
        "body": None if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }


def _api_corpus(key: str) -> list[dict[str, Any]]:
    unknown = "00000000-0000-4000-8000-000000000000"
    keyed = {"headers": {"Idempotency-Key": key}}
    return [
        _api(
            "GET", "/orders/{order_id}", path=f"/orders/{unknown}", variables={"order_id": unknown}
        ),
        _api("POST", "/orders", {**ORDER, "quantity": "many", "extra": "ü€"}, **keyed),
        _api("POST", "/orders", {**ORDER, "sku": "no-such-ärticle"}, **keyed),
        _api("POST", "/orders", ORDER),
        _api("POST", "/orders", ORDER, **keyed),
        _api("POST", "/orders", ORDER, **keyed),
        _api("POST", "/orders", {**ORDER, "quantity": 3}, **keyed),
        _api("PATCH", "/orders"),
        _api("GET", "/nowhere"),
        {**_api("POST", "/orders", ORDER, **keyed), "body": "{", "isBase64Encoded": True},
    ]


def test_api_calls_are_answered_alike(shop: Any, copies: Any) -> None:
    """Byte-equal responses, the same log lines but for ids and times, the same AWS calls."""
    ours, theirs = copies("orders", "api")
    key = str(uuid.uuid4())
    ran = [ours.run(event) for event in _api_corpus(key)]
    _forget_the_order(shop, json.loads(json.loads(ran[4].answer)["body"])["order_id"])
    statuses = [json.loads(run.answer)["statusCode"] for run in ran]
    assert statuses == [404, 400, 400, 400, 201, 201, 422, 405, 404, 400]
    for event, run in zip(_api_corpus(key), ran, strict=True):
        assert run == theirs.run(event)
        assert any(line["type"] == "span" for line in run.log)
    assert "dynamodb:PutItem" in {action for action, _, _ in ran[4].calls}


def _forget_the_order(shop: Any, order_id: str) -> None:
    """Remove what the first copy's requests left, so that the second finds the same tables."""
    tables = shop.client("dynamodb")
    tables.delete_item(TableName="trunkline-local-orders-orders", Key={"order_id": {"S": order_id}})
    records = "trunkline-local-orders-idempotency"
    for item in tables.scan(TableName=records)["Items"]:
        if order_id in item.get("result", {}).get("S", ""):
            tables.delete_item(TableName=records, Key={"id": item["id"]})


def _message(body: str, receives: int = 1) -> dict[str, Any]:
    return {
        "messageId": str(uuid.uuid4()),
        "receiptHandle": "of-no-queue",
        "body": body,
        "attributes": {"ApproximateReceiveCount": str(receives)},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
    }


def _event(type_: str, data: Any, **fields: Any) -> str:
    return json.dumps(
        {
            "specversion": "1.0",
            "id": str(uuid.uuid4()),
            "source": "/services/payments",
            "type": type_,
            "time": "2026-01-01T00:00:00.000Z",
            "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01",
            "data": data,
            **fields,
        }
    )


@pytest.fixture
def settling(shop: Any) -> Iterator[None]:
    """Takes away the dead letters of messages that no service ever sent."""
    yield
    queues = shop.client("sqs")
    name = "trunkline-local-orders-on-payment-captured-dlq"
    queues.purge_queue(QueueUrl=queues.get_queue_url(QueueName=name)["QueueUrl"])


@pytest.mark.usefixtures("settling")
def test_messages_are_processed_alike(copies: Any) -> None:
    """The same items of a batch fail, the same lines are logged, the same AWS calls are made."""
    ours, theirs = copies("orders", "on-payment-captured")
    captured = "payments.payment_captured.v1"
    unknown = {
        "order_id": str(uuid.uuid4()),
        "charge_id": "c",
        "amount": {"amount": 1, "currency": "EUR"},
    }
    corpus = [
        {"Records": []},
        {"Records": [_message("no JSON at all"), _message(_event("nobody.knows.v1", {}))]},
        {"Records": [_message(_event(captured, {"order_id": 7}))]},
        {"Records": [_message(_event(captured, unknown), receives=5)]},
    ]
    for event in corpus:
        assert ours.run(event) == theirs.run(event)
