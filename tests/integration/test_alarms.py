"""Each kind of alarm is driven to ALARM by the fault that it is there for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

TASKS = "trunkline-local-notifications-tasks"


@pytest.fixture
def alarm(shop: Any, eventually: Any) -> Callable[[str, str, float], None]:
    """Wait until an alarm has a state."""
    client = shop.client("cloudwatch")

    def wait(name: str, state: str, timeout: float = 60) -> None:
        def reached() -> bool:
            (found,) = client.describe_alarms(AlarmNames=[name])["MetricAlarms"]
            return bool(found["StateValue"] == state)

        eventually(f"{name} is {state}", reached, timeout=timeout)

    return wait


@contextmanager
def _mapping_disabled(shop: Any, eventually: Any, function: str) -> Iterator[None]:
    client = shop.client("lambda")
    listed = client.list_event_source_mappings(FunctionName=f"{function}:live")
    (mapping,) = listed["EventSourceMappings"]

    def switch(enabled: bool, state: str) -> None:
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=enabled)
        eventually(
            f"the mapping is {state}",
            lambda: client.get_event_source_mapping(UUID=mapping["UUID"])["State"] == state,
        )

    switch(False, "Disabled")
    try:
        yield
    finally:
        switch(True, "Enabled")


def test_a_failing_function_raises_its_error_alarm(
    customer: Any, faults: Any, alarm: Any, eventually: Any
) -> None:
    """Unhandled errors of a function raise its error alarm."""
    buyer = customer()
    fault = {
        "id": "notifications-fails",
        "function": TASKS,
        "action": "lambda:Invoke",
        "when": "before",
        "effect": "error",
        "times": 1,
    }
    with faults.injected(fault):
        order_id = buyer.order()
        alarm(f"{TASKS}-errors", "ALARM")
    eventually("confirmed", lambda: buyer.status(order_id) == "CONFIRMED")
    alarm(f"{TASKS}-errors", "OK")


def test_a_throttled_function_raises_its_throttle_alarm(shop: Any, alarm: Any) -> None:
    """A function without concurrency is throttled, which raises its throttle alarm."""
    client = shop.client("lambda")
    name = "trunkline-local-storefront-api"
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    try:
        with pytest.raises(client.exceptions.TooManyRequestsException):
            client.invoke(FunctionName=f"{name}:live", Payload=b"{}")
        alarm(f"{name}-throttles", "ALARM")
    finally:
        client.delete_function_concurrency(FunctionName=name)
    alarm(f"{name}-throttles", "OK")


def test_a_waiting_message_raises_the_age_alarm(
    shop: Any, customer: Any, alarm: Any, eventually: Any
) -> None:
    """A message that nobody receives raises the queue's age alarm, until it is processed."""
    buyer = customer()
    with _mapping_disabled(shop, eventually, TASKS):
        order_id = buyer.order()
        eventually("confirmed", lambda: buyer.status(order_id) == "CONFIRMED")
        alarm(f"{TASKS}-age", "ALARM", 120)
    alarm(f"{TASKS}-age", "OK")


def test_a_dead_letter_raises_the_depth_alarm(shop: Any, alarm: Any) -> None:
    """A message in a dead-letter queue raises its alarm, until the queue is empty."""
    client = shop.client("sqs")
    url = client.get_queue_url(QueueName=f"{TASKS}-dlq")["QueueUrl"]
    client.send_message(QueueUrl=url, MessageBody=json.dumps({"never": "valid"}))
    alarm(f"{TASKS}-dlq-depth", "ALARM")
    client.purge_queue(QueueUrl=url)
    alarm(f"{TASKS}-dlq-depth", "OK")
