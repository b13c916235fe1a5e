"""The peers do the same work: the same answer to the same event, the same effect on DynamoDB."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer

from trunkline_bench.errors import PeerFailed
from trunkline_bench.runtime.measures import MEASURES, Measure
from trunkline_bench.runtime.peers import OURS, PEERS, POWERTOOLS, Peer
from trunkline_bench.runtime.processes import Functions
from trunkline_bench.runtime.surroundings import Cloud, running_cloud

PLACE_ORDER, QUOTE, CONFIRM = MEASURES
ALL = [pytest.param(peer, id=peer.name) for peer in (OURS, *PEERS)]


@dataclass
class Work:
    """What one process did for its first event."""

    response: dict[str, Any]
    calls: list[dict[str, Any]]
    """Operation and request, in order; segments of the X-Ray daemon are apart."""
    segments: list[dict[str, Any]]
    lines: list[dict[str, Any]]
    """JSON lines of the log."""

    @property
    def operations(self) -> list[str]:
        return [call["operation"] for call in self.calls]

    def requests(self, operation: str) -> list[dict[str, Any]]:
        return [json.loads(c["request"]) for c in self.calls if c["operation"] == operation]


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with running_cloud() as running:
        yield running


def _work(cloud: Cloud, folder: Path, peer: Peer, measure: Measure) -> Work:
    log = folder / "log"
    functions = Functions(cloud, folder / "bundles", log)
    cloud.calls()
    with functions.started(peer, measure) as (function, _):
        response = function.first.response
    calls = cloud.calls()
    return Work(
        response,
        [call for call in calls if call["operation"] != "segment"],
        [json.loads(c["request"].split("\n", 1)[1]) for c in calls if c["operation"] == "segment"],
        [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")],
    )


def _values(item: Mapping[str, Any]) -> dict[str, Any]:
    deserialize = TypeDeserializer().deserialize
    return {name: deserialize(value) for name, value in item.items()}


@pytest.mark.parametrize("peer", ALL)
def test_place_order_has_one_answer_and_one_effect(
    cloud: Cloud, tmp_path: Path, peer: Peer
) -> None:
    """Lock, look, store order and event in one transaction, record the answer; 201."""
    work = _work(cloud, tmp_path, peer, PLACE_ORDER)

    assert work.operations == ["PutItem", "GetItem", "TransactWriteItems", "UpdateItem"]
    view = json.loads(work.response["body"])
    placed_at = view.pop("placed_at")
    assert view == {
        "order_id": view["order_id"],
        "customer": "7f1e2a3b-4c5d-4e6f-8a9b-0c1d2e3f4a5b",
        "sku": "teapot",
        "quantity": 2,
        "total": {"amount": 7800, "currency": "EUR"},
        "status": "PLACED",
    }
    # Everybody stores these two; orders itself also stores whose order it is, and its first status.
    items = [
        (part["Put"]["TableName"].rpartition("-")[2], _values(part["Put"]["Item"]))
        for part in work.requests("TransactWriteItems")[0]["TransactItems"]
    ]
    (order,) = (item for table, item in items if table == "orders")
    envelopes = [json.loads(item["envelope"]) for table, item in items if table == "outbox"]
    (envelope,) = (one for one in envelopes if one["type"] == "orders.order_placed.v1")
    assert {name: order[name] for name in view} == view
    assert order["email"] == "ada@customer.example"
    assert order["placed_at"][:19] == placed_at[:19]
    assert envelope["subject"] == view["order_id"]
    assert envelope["traceparent"].startswith("00-5759e988bd862e3fe1be46a994272793-")
    assert envelope["data"] == {
        "order_id": view["order_id"],
        "customer": view["customer"],
        "total": view["total"],
        "card_token": "tok_visa",
    }


@pytest.mark.parametrize("peer", ALL)
def test_a_quote_has_one_answer_and_no_effect(cloud: Cloud, tmp_path: Path, peer: Peer) -> None:
    """201 with the price; nothing is stored, so that only the framework's work is measured."""
    work = _work(cloud, tmp_path, peer, QUOTE)

    assert work.operations == []
    total = {"amount": 7800, "currency": "EUR"}
    assert json.loads(work.response["body"]) == {"sku": "teapot", "quantity": 2, "total": total}


@pytest.mark.parametrize("peer", ALL)
def test_a_batch_is_dealt_with_once_per_event(cloud: Cloud, tmp_path: Path, peer: Peer) -> None:
    """Each of ten records is locked under a key of its own, and recorded as done."""
    work = _work(cloud, tmp_path, peer, CONFIRM)

    assert work.response == {"batchItemFailures": []}
    assert work.operations == ["PutItem", "UpdateItem"] * 10
    keys = {request["Item"]["id"]["S"] for request in work.requests("PutItem")}
    assert len(keys) == 10


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
@pytest.mark.parametrize("peer", ALL)
def test_everybody_logs_counts_and_traces(
    cloud: Cloud, tmp_path: Path, peer: Peer, measure: Measure
) -> None:
    """A log line and a span for each piece of work, and a metric."""
    work = _work(cloud, tmp_path, peer, measure)

    logs = [line for line in work.lines if line.get("level") == "INFO"]
    assert len(logs) == measure.units
    assert any("_aws" in line for line in work.lines)
    if peer is POWERTOOLS:
        assert work.segments
    else:
        spans = [line for line in work.lines if line.get("type") == "span"]
        assert len(spans) >= measure.units  # ours also has one for the batch
        assert {span["trace_id"] for span in spans} == {"5759e988bd862e3fe1be46a994272793"}


@pytest.mark.parametrize("peer", ALL)
@pytest.mark.parametrize(
    ("change", "statuses"),
    [
        (('quantity\\":2', 'quantity\\":11'), {400, 422}),
        (("storefront-api", "stranger-api"), {403}),
    ],
    ids=["invalid", "stranger"],
)
def test_everybody_refuses(
    cloud: Cloud, tmp_path: Path, peer: Peer, change: tuple[str, str], statuses: set[int]
) -> None:
    """A body that does not fit the model, and a caller that is no declared service."""
    event = tmp_path / "event.json"
    event.write_text(PLACE_ORDER.event.read_text().replace(*change))
    functions = Functions(cloud, tmp_path / "bundles")
    changed = _WithEvent(**vars(PLACE_ORDER), changed=event)

    with pytest.raises(PeerFailed) as failure, functions.started(peer, changed):
        pass

    assert any(f"'statusCode': {status}" in str(failure.value) for status in statuses)


@dataclass(frozen=True)
class _WithEvent(Measure):
    changed: Path = Path()

    @property
    def event(self) -> Path:
        return self.changed
