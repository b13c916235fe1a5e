"""Queues are measured.

SQS publishes gauges of the messages in a queue and counts of those sent, received and deleted, with
the dimension ``QueueName``, for every queue that is in use
(https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html).
Messages that a redrive policy moves to a dead-letter queue are not counted as sent.
MiniStack publishes nothing.
Here the queues are looked at every second; a queue that has been empty and idle for three minutes
is left out, as AWS leaves out one that was idle for six hours.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from threading import Lock
from types import ModuleType
from typing import Any

from trunkline_localcloud.cloudwatch import Datum, MetricSink
from trunkline_localcloud.patching import expect, replace, replace_entry
from trunkline_localcloud.periodic import repeat
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "queue_metrics"
_NAMESPACE = "AWS/SQS"
_EVERY_SECONDS = 1.0
_IDLE_SECONDS = 180.0
_COUNTED = "_counted_as_sent"
Queue = dict[str, Any]


def install(settings: CloudSettings) -> None:
    """Measure every queue every second."""
    from ministack.services import sqs

    measuring = _Measuring(sqs)
    replace(
        _GAP,
        sqs,
        "_collect_msgs",
        ("q", "max_n", "vis_timeout"),
        partial(partial, measuring.receive),
    )
    replace(
        _GAP,
        sqs,
        "_delete_messages_for_esm",
        ("queue_url", "receipt_handles"),
        partial(partial, measuring.delete_for_mapping),
    )
    for operation in ("DeleteMessage", "DeleteMessageBatch"):
        replace_entry(
            _GAP, sqs._HANDLERS, operation, ("data", "qurl"), partial(partial, measuring.delete)
        )
    repeat(settings, _EVERY_SECONDS, measuring.publish)


class _Measuring:
    """Counts what happens to messages, and publishes it with the gauges."""

    def __init__(self, sqs: ModuleType) -> None:
        self._queues = expect(_GAP, sqs, "_queues")
        self._queue = expect(_GAP, sqs, "_get_q", ("url", "action"))
        self._refresh = expect(_GAP, sqs, "_refresh_counts", ("q",))
        self._sink = MetricSink()
        self._counts: dict[str, Counter[str]] = {}
        self._used_at: dict[str, float] = {}
        self._lock = Lock()  # event source mappings receive and delete on threads of their own

    def receive(
        self, original: Callable[..., Any], q: Queue, max_n: int, vis_timeout: int
    ) -> list[dict[str, Any]]:
        self._count_sent(q)
        received: list[dict[str, Any]] = original(q, max_n, vis_timeout)
        self._count(q, "NumberOfMessagesReceived", len(received))
        return received

    def delete(self, original: Callable[..., Any], data: Mapping[str, Any], qurl: str) -> Any:
        queue = self._queue(data.get("QueueUrl", qurl))
        before = len(queue["messages"])
        result = original(data, qurl)
        self._count(queue, "NumberOfMessagesDeleted", before - len(queue["messages"]))
        return result

    def delete_for_mapping(
        self, original: Callable[..., Any], queue_url: str, receipt_handles: set[str]
    ) -> Any:
        result = original(queue_url, receipt_handles)
        self._count(self._queue(queue_url), "NumberOfMessagesDeleted", len(receipt_handles))
        return result

    def publish(self) -> None:
        now = time.time()
        for queue in list(self._queues.values()):
            self._count_sent(queue)
            name = queue["name"]
            if queue["messages"]:
                self._used_at[name] = now
            if now - self._used_at.get(name, 0.0) < _IDLE_SECONDS:
                self._sink.put(self._data(queue, now))

    def _data(self, queue: Queue, now: float) -> Iterator[Datum]:
        self._refresh(queue)
        dimensions = {"QueueName": queue["name"]}
        attributes = queue["attributes"]
        sent = [message.get("enqueued_at") or message["sent_at"] for message in queue["messages"]]
        age = now - min(sent) if sent else 0.0
        yield Datum(_NAMESPACE, "ApproximateAgeOfOldestMessage", age, "Seconds", dimensions)
        for metric, attribute in {
            "ApproximateNumberOfMessagesVisible": "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible": "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed": "ApproximateNumberOfMessagesDelayed",
        }.items():
            yield Datum(_NAMESPACE, metric, float(attributes[attribute]), "Count", dimensions)
        with self._lock:
            counts = self._counts.pop(queue["name"], Counter())
        for metric, count in counts.items():
            yield Datum(_NAMESPACE, metric, float(count), "Count", dimensions)

    def _count_sent(self, queue: Queue) -> None:
        """Mark messages when they are seen first; a message that is moved keeps its mark."""
        new = [message for message in queue["messages"] if _COUNTED not in message]
        for message in new:
            message[_COUNTED] = True
        self._count(queue, "NumberOfMessagesSent", len(new))

    def _count(self, queue: Queue, metric: str, number: int) -> None:
        if number > 0:
            with self._lock:
                self._counts.setdefault(queue["name"], Counter())[metric] += number
            self._used_at[queue["name"]] = time.time()
