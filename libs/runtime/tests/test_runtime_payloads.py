"""Claim check: long data travels by reference, and no reference leads anywhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline import Event, Model, Service, Task
from trunkline.aws import clients
from trunkline.errors import MessageTooLarge
from trunkline.events.aws import S3Payloads
from trunkline.events.payloads import MAX_ENVELOPE_BYTES, MAX_PAYLOAD_BYTES, fits
from trunkline.manifest.model import PayloadNeed
from trunkline.testing import ServiceHarness
from trunkline.testing.events import ACCOUNT

BUCKET = f"payloads-{ACCOUNT}"
LONG = "ä" * MAX_ENVELOPE_BYTES
FUNCTION = "on-printed"


class Sheet(Model):
    """What the service keeps."""

    sheet_id: str


class Printed(Event, version=1, subject="sheet_id", service="press", large=True):
    """Carries everything that was printed."""

    sheet_id: str
    text: str


class Noted(Event, version=1, subject="sheet_id", service="press"):
    """Carries a short note, or so its author thinks."""

    sheet_id: str
    text: str


class Bind(Task, version=1, subject="sheet_id", service="press", large=True):
    """Work on everything that was printed."""

    sheet_id: str
    text: str


service = Service("press", entry="test:service")
sheets = service.table("sheets", Sheet, key="sheet_id")
read: list[str] = []


@service.reacts_to(Printed, uses=[sheets.write, Bind])
def on_printed(event: Printed) -> None:
    """Note what arrived, and pass it on as work."""
    read.append(event.text)
    sheets.put(
        Sheet(sheet_id=event.sheet_id), emit=[Bind(sheet_id=event.sheet_id, text=event.text)]
    )


@service.performs(Bind, uses=[sheets.write, Noted])
def bind(task: Bind) -> None:
    """Tell about the work in a message that is not declared large."""
    read.append(task.text)
    sheets.put(
        Sheet(sheet_id=f"{task.sheet_id}-bound"),
        emit=[Noted(sheet_id=task.sheet_id, text=task.text)],
    )


@service.reacts_to(Noted)
def on_noted(event: Noted) -> None:
    """Only there to be sent what it did not ask for."""
    read.append(event.text)


@pytest.fixture
def press() -> Iterator[ServiceHarness]:
    """The service, running."""
    read.clear()
    with ServiceHarness(service) as harness:
        yield harness


def envelope(**changes: Any) -> dict[str, Any]:
    """A long event, its data put where it must be, and what somebody changed of it."""
    data = changes.pop("data", b'{"sheet_id":"1","text":"all of it"}')
    digest = sha256(data).hexdigest()
    fields = {"type": "press.printed.v1", "source": "/services/press", "id": "fact", **changes}
    key = f"press.printed.v1/press/fact/{digest}"
    S3Payloads().put(key, data)
    return {
        "specversion": "1.0",
        "datasha256": digest,
        "dataref": f"s3://{BUCKET}/{key}",
        **fields,
    }


def reason(press: ServiceHarness, function: str = FUNCTION) -> str:
    """Why the one dead letter is dead."""
    (letter,) = press.dead_letters(function)
    return f"{letter.error_type}: {letter.reason}"


def test_long_data_waits_in_the_bucket(press: ServiceHarness) -> None:
    """Handlers get it as if it had travelled; the queue's message holds a reference, no data."""
    assert press.deliver(Printed(sheet_id="1", text=LONG))
    assert [LONG] == read
    assert [Bind(sheet_id="1", text=LONG)] == press.emitted()
    assert press.relay()
    sqs = clients.client("sqs")
    url = sqs.get_queue_url(QueueName="trunkline-test-press-tasks")["QueueUrl"]
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    sent = json.loads(message["Body"])
    assert len(message["Body"]) < 1000
    assert "data" not in sent
    assert sent["dataref"].startswith(f"s3://{BUCKET}/press.bind.v1/press/{sent['id']}/")
    assert press.deliver_raw("tasks", message["Body"], receives=5) is True
    assert [LONG, LONG] == read


def test_short_data_stays_in_the_message(press: ServiceHarness) -> None:
    """Being allowed to be large costs nothing: what fits travels as ever."""
    assert press.deliver(Printed(sheet_id="1", text="short"))
    assert press.relay()
    assert "Contents" not in clients.client("s3").list_objects_v2(Bucket=BUCKET)


def test_what_is_not_declared_large_is_refused_when_it_is_emitted(press: ServiceHarness) -> None:
    """The error names message, size and limit; nothing is stored and nothing will be sent."""
    assert press.deliver(Bind(sheet_id="1", text=LONG))
    why = reason(press, "tasks")
    assert why.startswith("MessageTooLarge: MessageTooLarge: press.noted.v1 has ")
    assert f"{MAX_ENVELOPE_BYTES:,} are allowed; declare it with large=True" in why
    assert press.emitted() == []


def test_nothing_may_be_larger_than_memory_allows(press: ServiceHarness) -> None:
    """Beyond the greatest size a large message is refused, too."""
    with pytest.raises(MessageTooLarge) as caught:
        sheets.put(Sheet(sheet_id="1"), emit=[Printed(sheet_id="1", text="x" * MAX_PAYLOAD_BYTES)])
    assert caught.value.limit == MAX_PAYLOAD_BYTES
    assert caught.value.size > MAX_PAYLOAD_BYTES
    assert sheets.get("1") is None


def test_missing_data_is_waited_for(press: ServiceHarness) -> None:
    """It may come, so the message comes back; in the end it is a dead letter with the reason."""
    body = envelope()
    (found,) = clients.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    clients.client("s3").delete_object(Bucket=BUCKET, Key=found["Key"])
    assert not press.deliver_raw(FUNCTION, json.dumps(body))
    assert press.deliver_raw(FUNCTION, json.dumps(body), receives=5)
    assert reason(press) == (
        f"PayloadMissing: PayloadMissing: {body['dataref']} cannot be read: NoSuchKey"
    )
    assert read == []


FOREIGN = {
    "another host": {"dataref": "https://example.com/data.json"},
    "another bucket": {"dataref": "s3://another/press.printed.v1/press/fact/0"},
    "another message": {"id": "another"},
    "another digest": {"datasha256": "0" * 64},
    "no digest": {"datasha256": None},
    "another service's event": {"source": "/services/other"},
    "no service": {"source": "urn:example"},
    "a way up": {"source": "/services/../press"},
}


@pytest.mark.parametrize("changes", FOREIGN.values(), ids=FOREIGN.keys())
def test_no_reference_leads_elsewhere(press: ServiceHarness, changes: dict[str, Any]) -> None:
    """A reference to anything but the message's own data is refused for good, and not read."""
    asked: list[str] = []
    body = envelope(**changes)
    events = clients.client("s3").meta.events
    events.register_first("before-send.s3.*", lambda request, **_: asked.append(request.url), "spy")
    try:
        assert press.deliver_raw(FUNCTION, json.dumps(body))
    finally:
        events.unregister("before-send.s3.*", unique_id="spy")
    assert asked == []
    assert reason(press).startswith("InvalidMessage: ")
    assert read == []


def test_changed_data_is_refused(press: ServiceHarness) -> None:
    """What lies in the place of the data is used only if it has the digest."""
    body = envelope()
    key = body["dataref"].removeprefix(f"s3://{BUCKET}/")
    S3Payloads().put(key, b'{"sheet_id":"1","text":"forged"}')
    assert press.deliver_raw(FUNCTION, json.dumps(body))
    assert "is not what press.printed.v1 refers to" in reason(press)
    assert read == []


def test_data_larger_than_allowed_is_not_read(press: ServiceHarness) -> None:
    """A consumer's memory is safe from whoever may write to the bucket."""
    body = envelope(data=b" " * (MAX_PAYLOAD_BYTES + 1))
    assert press.deliver_raw(FUNCTION, json.dumps(body))
    assert "has more than 16,777,216 bytes" in reason(press)


def test_only_large_messages_are_redeemed(press: ServiceHarness) -> None:
    """A subscriber to what is not declared large never reads the bucket."""
    body = envelope(type="press.noted.v1")
    assert press.deliver_raw("on-noted", json.dumps(body))
    assert "is not declared large=True" in reason(press, "on-noted")


def test_only_those_who_need_the_bucket_may_use_it() -> None:
    """Emitters of large messages write, handlers read, each its own messages; others nothing."""
    needs = {
        function.name: {
            (need.message, need.access) for need in function.needs if isinstance(need, PayloadNeed)
        }
        for function in service.manifest().functions
    }
    assert needs == {
        FUNCTION: {("press.printed.v1", "read"), ("press.bind.v1", "write")},
        "tasks": {("press.bind.v1", "read")},
        "on-noted": set(),
        "relay": set(),
    }


@given(st.text(min_size=1, max_size=20), st.integers(-3, 3))
def test_the_limit_is_one_of_bytes(text: str, around: int) -> None:
    """However many bytes a character takes, the length on the wire counts."""
    envelope = text * ((MAX_ENVELOPE_BYTES + around) // len(text.encode()))
    assert fits(envelope) == (len(envelope.encode()) <= MAX_ENVELOPE_BYTES)
