"""Metrics: one line in CloudWatch's embedded metric format per invocation, with the right sums."""

from __future__ import annotations

import json
import math
import re
from contextlib import nullcontext
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shop_contract import PaymentSeen, Remind
from shop_service import get_order

from trunkline import Service
from trunkline.errors import DeclarationError
from trunkline.events.cloudevents import CloudEvent
from trunkline.telemetry import emf, metrics
from trunkline.testing import ServiceHarness
from trunkline.testing.deadline import far_away
from trunkline.testing.events import queue_record

IDS = {"Idempotency-Key": "k"}


def metric_lines(text: str) -> list[dict[str, Any]]:
    """The metric lines of what was written, each checked against the format's rules."""
    found = [json.loads(line) for line in text.splitlines()]
    lines = [line for line in found if "_aws" in line]
    for line in lines:
        check_emf(line)
    return lines


def check_emf(document: dict[str, Any]) -> None:
    """The rules of the specification and its published schema."""
    assert set(document["_aws"]) == {"Timestamp", "CloudWatchMetrics"}
    assert isinstance(document["_aws"]["Timestamp"], int)
    assert document["_aws"]["CloudWatchMetrics"]
    for directive in document["_aws"]["CloudWatchMetrics"]:
        assert set(directive) == {"Namespace", "Dimensions", "Metrics"}
        assert re.fullmatch(r"[^:].{0,254}", directive["Namespace"])
        for dimensions in directive["Dimensions"]:
            assert 0 < len(dimensions) <= 30
            for name in dimensions:
                assert 1 <= len(name) <= 250
                assert isinstance(document[name], str)
                assert 1 <= len(document[name]) <= 1024
        names = [metric["Name"] for metric in directive["Metrics"]]
        assert 0 < len(names) <= 100
        assert len(names) == len(set(names))
        for metric in directive["Metrics"]:
            assert set(metric) == {"Name", "Unit"}
            assert metric["Unit"] in get_args(metrics.Unit)
            assert 1 <= len(metric["Name"]) <= 1024
            value = document[metric["Name"]]
            values = value if isinstance(value, list) else [value]
            assert 1 <= len(values) <= 100
            assert all(isinstance(one, int | float) and math.isfinite(one) for one in values)


def sums(line: dict[str, Any]) -> dict[str, float]:
    """The counts of a line."""
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    return {
        metric["Name"]: line[metric["Name"]]
        for metric in directive["Metrics"]
        if metric["Unit"] == "Count"
    }


def test_an_api_call_is_one_line(shop: ServiceHarness, capsys: pytest.CaptureFixture[str]) -> None:
    """The first call is a cold start; its handler and its function both have the numbers."""
    shop.call("GET", "/orders/x")
    shop.call("GET", "/orders/x")
    first, second = metric_lines(capsys.readouterr().out)
    assert sums(first) == {"requests": 1, "faults": 0, "cold_starts": 1}
    assert sums(second) == {"requests": 1, "faults": 0}
    assert (first["service"], first["function"]) == ("shop", "api")
    assert first["handler"] == get_order.__name__
    (directive,) = first["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Trunkline/test"
    assert directive["Dimensions"] == [["service", "function"], ["service", "function", "handler"]]
    assert first["latency"] > 0
    assert {"Name": "latency", "Unit": "Milliseconds"} in directive["Metrics"]


def test_a_process_that_was_started_ahead_has_no_cold_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With provisioned concurrency nobody waited for the start."""
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "provisioned-concurrency")
    with metrics.Meter("shop", "api").invocation():
        metrics.handled(1.0)
    (line,) = metric_lines(capsys.readouterr().out)
    assert sums(line) == {"requests": 1, "faults": 0}


def test_a_call_that_no_handler_takes_is_counted_for_the_function(
    shop: ServiceHarness, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is the caller's mistake, so no fault of ours."""
    shop.call("GET", "/nowhere")
    (line,) = metric_lines(capsys.readouterr().out)
    assert "handler" not in line
    assert sums(line)["faults"] == 0


def test_faults_and_repeated_requests_are_counted(
    shop: ServiceHarness, capsys: pytest.CaptureFixture[str]
) -> None:
    """Our own failure is a fault; the answer to a repeated request is a dedup hit."""
    order = {"sku": "a", "quantity": 1}
    shop.call("POST", "/orders", order, headers=IDS)
    shop.call("POST", "/orders", order, headers=IDS)
    shop.call("DELETE", "/orders/order-k")
    placed, again, undeclared = map(sums, metric_lines(capsys.readouterr().out))
    assert "dedup_hits" not in placed
    assert again["dedup_hits"] == 1
    assert undeclared["faults"] == 1


def record_of(message: PaymentSeen | Remind, number: int, receives: int = 1) -> dict[str, Any]:
    """One record of a queue."""
    envelope = CloudEvent.of(message, event_id=f"e-{number}", source="shop")
    return queue_record(envelope.dump(), receives=receives)


def test_sums_of_a_batch(shop: ServiceHarness, capsys: pytest.CaptureFixture[str]) -> None:
    """One line for the batch: each message is a request with its own latency."""
    shop.deliver(PaymentSeen(order_id="warm"))  # gives the function its queues
    capsys.readouterr()
    records = [
        record_of(PaymentSeen(order_id="1"), 1),
        record_of(PaymentSeen(order_id="1"), 1, receives=2),
        record_of(PaymentSeen(order_id="2", fail="boom"), 2),
        record_of(PaymentSeen(order_id="3", fail="rejected"), 3),
        queue_record("not JSON"),
    ]
    answer = shop.program.consumer("on-payment-seen").handle({"Records": records}, far_away())
    (line,) = metric_lines(capsys.readouterr().out)
    assert sums(line) == {
        "requests": 5,
        "faults": 3,
        "retries": 1,
        "dedup_hits": 1,
        "batch_failures": len(answer["batchItemFailures"]),
    }
    assert len(line["latency"]) == 5
    assert "handler" not in line  # the function has just one


def test_tasks_of_one_batch_are_told_apart(
    shop: ServiceHarness, capsys: pytest.CaptureFixture[str]
) -> None:
    """All tasks of a service share a function, so each handler has a line."""
    shop.deliver(Remind(order_id="1", to="a@example.com"))
    records = [record_of(Remind(order_id=str(n), to="a@example.com"), n) for n in (1, 2)]
    capsys.readouterr()
    tasks = shop.program.consumer("tasks")
    with shop.cloud.inside("tasks"):
        tasks.handle({"Records": [*records, queue_record("not JSON")]}, far_away())
    unknown, line = metric_lines(capsys.readouterr().out)
    assert (line["handler"], sums(line)["requests"]) == ("remind", 2)
    assert "handler" not in unknown
    assert sums(unknown) == {"requests": 1, "faults": 1}


def test_relay_counts_what_it_publishes(
    shop: ServiceHarness, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each outbox item is a request."""
    shop.call("POST", "/orders", {"sku": "a", "quantity": 1}, headers=IDS)
    capsys.readouterr()
    shop.relay()
    (line,) = metric_lines(capsys.readouterr().out)
    assert line["function"] == "relay"
    assert sums(line) == {"requests": 2, "faults": 0, "cold_starts": 1}


def test_counts_outside_of_an_invocation_are_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    """Scripts and imports may count; nobody hears of it."""
    metrics.count("retries")
    metrics.record("size", 1, "Bytes")
    metrics.of_handler("x")
    with metrics.Meter("shop", "api").invocation():
        pass
    assert capsys.readouterr().out == ""


def test_what_was_counted_is_written_also_when_the_invocation_fails(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An error that goes through takes no numbers with it."""

    def fails() -> None:
        with metrics.Meter("shop", "api").invocation():
            metrics.count("retries", 2)
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    (line,) = metric_lines(capsys.readouterr().out)
    assert sums(line)["retries"] == 2


@pytest.mark.parametrize("fails", [False, True])
def test_work_that_is_one_request(fails: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """What raises is a fault; its latency is measured all the same."""

    def work() -> None:
        with metrics.Meter("shop", "rotate-key").request():
            if fails:
                raise KeyError

    with pytest.raises(KeyError) if fails else nullcontext():
        work()
    (line,) = metric_lines(capsys.readouterr().out)
    assert sums(line) == {"requests": 1, "faults": int(fails), "cold_starts": 1}
    assert line["latency"] >= 0


def test_authors_own_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    """Counts are summed, measurements kept one by one; what is no number is dropped."""
    service = Service("own", entry="nowhere:service")
    placed = service.metric("orders_placed")
    weight = service.metric("parcel_weight", unit="None")
    with metrics.Meter("own", "api").invocation():
        placed.add()
        placed.add(2)
        for value in (1.5, 2.5, math.nan, math.inf):
            weight.add(value)
    (line,) = metric_lines(capsys.readouterr().out.splitlines()[-1])
    assert line["orders_placed"] == 3
    assert line["parcel_weight"] == [1.5, 2.5]
    assert service.metrics == {"orders_placed": placed, "parcel_weight": weight}


@pytest.mark.parametrize(
    "name", ["", "Orders", "orders-placed", "1st", "örders", "a" * 256, "latency", "service"]
)
def test_names_of_metrics_are_checked(name: str) -> None:
    """A wrong or reserved name is found while the service is imported."""
    with pytest.raises(DeclarationError, match="metric"):
        Service("own", entry="nowhere:service").metric(name)


def test_a_metric_is_declared_once() -> None:
    """Two meanings of one name would be added up."""
    service = Service("own", entry="nowhere:service")
    service.metric("orders_placed")
    with pytest.raises(DeclarationError, match="twice"):
        service.metric("orders_placed", unit="Bytes")


names = st.from_regex(r"[a-z][a-z_]{0,3}", fullmatch=True)


@given(
    counts=st.dictionaries(names, st.integers(0, 10**6), max_size=150),
    values=st.dictionaries(
        names.map("m_{}".format),
        st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=250),
        max_size=5,
    ),
)
def test_limits_of_the_format_are_kept_and_nothing_is_lost(
    counts: dict[str, float], values: dict[str, list[float]]
) -> None:
    """However much is counted: every line is valid, and together they hold all of it."""
    measured = {name: ("Bytes", held) for name, held in values.items()}
    found: dict[str, list[float]] = {}
    dimensions = {"service": "s", "function": "f", "handler": "h"}
    for text in emf.lines("Trunkline", dimensions, counts, measured):
        (line,) = metric_lines(text)
        for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]:
            value = line[metric["Name"]]
            found.setdefault(metric["Name"], []).extend(
                value if isinstance(value, list) else [value]
            )
    assert found == {**{name: [held] for name, held in counts.items()}, **values}
