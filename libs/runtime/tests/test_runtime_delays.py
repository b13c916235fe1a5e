"""Delayed tasks: performed some time after they were asked for, whatever the relay takes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline import Model, Service, Task, TrunklineError, delayed
from trunkline.aws import clients
from trunkline.errors import DelayTooLong
from trunkline.events.outbox import OutboxItem, outbox_items
from trunkline.testing import ServiceHarness


class Water(Task, version=1, subject="plant", service="garden"):
    """Water a plant."""

    plant: str


class Plant(Model):
    """A record."""

    plant: str


garden = Service("garden", entry=f"{__name__}:garden")
plants = garden.table("plants", Plant, key="plant")


@garden.performs(Water, uses=[plants.write, Water])
def water(task: Water) -> None:
    """Never called: the tests write the table themselves."""


@pytest.fixture
def harness() -> Iterator[ServiceHarness]:
    """The service, running."""
    with ServiceHarness(garden) as harness:
        yield harness


def test_a_delayed_task_lies_in_the_queue_until_its_time(harness: ServiceHarness) -> None:
    """SQS holds it back; one without a delay is there at once."""
    plants.put(Plant(plant="p"), emit=[delayed(Water(plant="late"), seconds=600), Water(plant="p")])
    assert harness.relay()
    sqs = clients.client("sqs")
    url = sqs.get_queue_url(QueueName="trunkline-test-garden-tasks")["QueueUrl"]
    (message,) = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert '"plant":"p"' in message["Body"]
    names = ["ApproximateNumberOfMessagesDelayed"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    assert attributes == {"ApproximateNumberOfMessagesDelayed": "1"}


@pytest.mark.parametrize("seconds", [-1, 901, 86_400])
def test_what_sqs_cannot_wait_is_refused(seconds: int) -> None:
    """The error says what can be done instead, and carries the facts."""
    with pytest.raises(DelayTooLong, match="EventBridge Scheduler") as caught:
        delayed(Water(plant="p"), seconds=seconds)
    error: TrunklineError = caught.value
    assert (caught.value.task, caught.value.seconds) == ("garden.water.v1", seconds)
    assert not error.retryable


@given(delay=st.integers(0, 900), late=st.integers(0, 3000))
def test_the_time_counts_from_the_transaction(delay: int, late: int) -> None:
    """A late relay shortens the wait; a task is never early, and SQS never asked for too much."""
    (item,) = outbox_items("garden", [delayed(Water(plant="p"), seconds=delay)])
    stored = OutboxItem.read(item.values())
    stored_at = datetime.fromisoformat(item.envelope.time)
    left = stored.remaining_delay(stored_at + timedelta(seconds=late))
    assert left == max(0, delay - late)
