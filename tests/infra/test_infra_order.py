"""Ordered events go through FIFO topics and FIFO queues, all the way; others through none."""

from __future__ import annotations

import json
from typing import Any

import pytest

FUNCTION = "on-order-status-changed"


def test_topic_queue_and_dead_letters_are_fifo(roots: dict[str, Any], environment: str) -> None:
    """And nobody guesses duplicates from contents: two facts may look alike."""
    name = f"trunkline-{environment}-storefront-{FUNCTION}"
    topics = {t["name"]: t for t in roots["messaging"].all("aws_sns_topic").values()}
    queues = {q["name"]: q for q in roots["storefront"].all("aws_sqs_queue").values()}

    assert topics[f"trunkline-{environment}-orders-events.fifo"]["fifo_topic"] is True
    assert set(queues) == {f"{name}.fifo", f"{name}-dlq.fifo"}
    assert all(queue["fifo_queue"] is True for queue in queues.values())
    for resource in (*topics.values(), *queues.values()):
        assert "content_based_deduplication" not in resource


def test_everything_else_is_standard(roots: dict[str, Any]) -> None:
    """A name with the suffix and the attribute come together."""
    for root in roots.values():
        for queue in root.all("aws_sqs_queue").values():
            assert ("fifo_queue" in queue) == queue["name"].endswith(".fifo")
        for topic in root.all("aws_sns_topic").values():
            assert ("fifo_topic" in topic) == topic["name"].endswith(".fifo")


def test_the_subscription_is_to_the_fifo_topic(roots: dict[str, Any], environment: str) -> None:
    """The queue is subscribed there, admits it, and gives its messages one by one."""
    root = roots["storefront"]
    (subscription,) = root.all("aws_sns_topic_subscription").values()
    (mapping,) = root.all("aws_lambda_event_source_mapping").values()
    (queue,) = [q for q in root.all("aws_sqs_queue").values() if "-dlq" not in q["name"]]

    topic = subscription["topic_arn"]
    assert topic.endswith(f":trunkline-{environment}-orders-events.fifo")
    assert json.loads(subscription["filter_policy"]) == {"type": ["orders.order_status_changed.v1"]}
    assert topic in queue["policy"]
    assert mapping["batch_size"] == 1


@pytest.mark.parametrize(("service", "ordered"), [("orders", True), ("payments", False)])
def test_only_a_relay_that_keeps_an_order_may_query(
    roots: dict[str, Any], service: str, ordered: bool
) -> None:
    """And only it may publish to a FIFO topic."""
    statements = {one["Sid"]: one for one in roots[service].statements("relay")}
    assert ("dynamodb:Query" in statements["DrainOutbox"]["Action"]) == ordered
    assert ("PublishInOrder" in statements) == ordered
    assert statements["Publish"]["Resource"] != statements.get("PublishInOrder", {}).get("Resource")
