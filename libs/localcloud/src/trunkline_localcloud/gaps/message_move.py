"""Dead letters move back.

``StartMessageMoveTask`` moves the messages of a dead-letter queue to the queues that they came
from, or to one that is named; ``ListMessageMoveTasks`` tells how far it is and
``CancelMessageMoveTask`` ends it (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html).
The caller needs the right to receive and delete at the source and to send at the destination. What
arrives is a new message, with the old body and attributes.
MiniStack knows none of the three. Here a task is kept with its source queue, and works four times a
second on the messages that were visible when it began.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import ModuleType
from typing import Any
from uuid import uuid4

from trunkline_localcloud.callers import why_denied
from trunkline_localcloud.patching import expect
from trunkline_localcloud.periodic import repeat
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "message_move"
_EVERY_SECONDS = 0.25
_MOST_PER_SECOND = 500
_TASKS = "_move_tasks"
_KEPT_TASKS = 10
_SOURCE_NEEDS = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
Queue = dict[str, Any]
Task = dict[str, Any]


def install(settings: CloudSettings) -> None:
    """Add the three operations, and do what they ask for."""
    from ministack.services import sqs

    moves = _Moves(sqs)
    handlers = expect(_GAP, sqs, "_HANDLERS")
    handlers["StartMessageMoveTask"] = moves.start
    handlers["ListMessageMoveTasks"] = moves.tasks
    handlers["CancelMessageMoveTask"] = moves.cancel
    repeat(settings, _EVERY_SECONDS, moves.work)


class _Moves:
    """The operations over MiniStack's queues."""

    def __init__(self, sqs: ModuleType) -> None:
        self._queues = expect(_GAP, sqs, "_queues")
        self._queue_by_arn = expect(_GAP, sqs, "_queue_by_arn", ("arn",))
        self._delay = expect(_GAP, sqs, "queue_delay", ("q",))
        self._refusal = partial(expect(_GAP, sqs, "_Err"), status=400)
        self._forbidden = partial(expect(_GAP, sqs, "_Err"), "AccessDenied", status=403)

    def start(self, data: Mapping[str, Any], _queue_url: str) -> dict[str, Any]:
        source = self._existing(data.get("SourceArn", ""))
        if not self._feeding(source):
            message = "Source queue must be configured as a Dead Letter Queue."
            raise self._refusal("InvalidParameterValue", message)
        if any(task["Status"] == "RUNNING" for task in source.get(_TASKS, [])):
            message = (
                "There is already a task running. Only one active task is allowed for a source "
                "queue arn at a given time."
            )
            raise self._refusal("InvalidParameterValue", message)
        destination = data.get("DestinationArn")
        targets = [self._existing(destination)] if destination else self._feeding(source)
        self._check(_SOURCE_NEEDS, source)
        for target in targets:
            self._check(("sqs:SendMessage",), target)
        now = time.time()
        waiting = [each["id"] for each in source["messages"] if each["visible_at"] <= now]
        task = {
            "TaskHandle": _handle(data["SourceArn"]),
            "Status": "RUNNING",
            "SourceArn": data["SourceArn"],
            "DestinationArn": destination,
            "MaxNumberOfMessagesPerSecond": data.get("MaxNumberOfMessagesPerSecond"),
            "ApproximateNumberOfMessagesMoved": 0,
            "ApproximateNumberOfMessagesToMove": len(waiting),
            "StartedTimestamp": int(now * 1000),
            "_waiting": waiting,
            "_allowance": 0.0,
        }
        source[_TASKS] = [task, *source.get(_TASKS, [])][:_KEPT_TASKS]
        return {"TaskHandle": task["TaskHandle"]}

    def tasks(self, data: Mapping[str, Any], _queue_url: str) -> dict[str, Any]:
        source = self._existing(data.get("SourceArn", ""))
        newest = source.get(_TASKS, [])[: int(data.get("MaxResults", 1))]
        return {"Results": [_described(task) for task in newest]}

    def cancel(self, data: Mapping[str, Any], _queue_url: str) -> dict[str, Any]:
        handle = data.get("TaskHandle", "")
        for queue in self._queues.values():
            for task in queue.get(_TASKS, []):
                if task["TaskHandle"] == handle and task["Status"] == "RUNNING":
                    task["Status"] = "CANCELLED"
                    moved = task["ApproximateNumberOfMessagesMoved"]
                    return {"ApproximateNumberOfMessagesMoved": moved}
        raise self._refusal("ResourceNotFoundException", "Task does not exist.", status=404)

    def work(self) -> None:
        for queue in list(self._queues.values()):
            for task in queue.get(_TASKS, []):
                if task["Status"] == "RUNNING":
                    self._advance(queue, task)

    def _advance(self, source: Queue, task: Task) -> None:
        rate = task["MaxNumberOfMessagesPerSecond"] or _MOST_PER_SECOND
        task["_allowance"] += rate * _EVERY_SECONDS
        now = time.time()
        by_id = {each["id"]: each for each in source["messages"]}
        while task["_waiting"] and task["_allowance"] >= 1:
            message = by_id.get(task["_waiting"].pop(0))
            if message is None or message["visible_at"] > now:
                continue  # received or deleted by somebody else meanwhile
            arn = task["DestinationArn"] or message["sys"].get("DeadLetterQueueSourceArn")
            target = self._queue_by_arn(arn) if arn else None
            if target is None:
                reason = "AWS.SimpleQueueService.NonExistentQueue"
                task.update(
                    Status="FAILED",
                    FailureReason=reason if arn else "CouldNotDetermineMessageSource",
                )
                return
            source["messages"].remove(message)
            target["messages"].append(_renewed(message, now, self._delay(target)))
            task["_allowance"] -= 1
            task["ApproximateNumberOfMessagesMoved"] += 1
        if not task["_waiting"]:
            task["Status"] = "COMPLETED"

    def _existing(self, arn: str) -> Queue:
        queue: Queue | None = self._queue_by_arn(arn)
        if queue is None:
            message = "The resource that you specified for the SourceArn parameter doesn't exist."
            raise self._refusal("ResourceNotFoundException", message, status=404)
        return queue

    def _feeding(self, dead: Queue) -> list[Queue]:
        """The queues whose dead letters go to a queue."""
        return list(_with_dead_letters_in(dead, self._queues.values()))

    def _check(self, actions: tuple[str, ...], queue: Queue) -> None:
        for action in actions:
            if reason := why_denied(action, queue["attributes"]["QueueArn"]):
                raise self._forbidden(reason)


def _with_dead_letters_in(dead: Queue, queues: Any) -> Iterator[Queue]:
    for queue in queues:
        policy = json.loads(queue["attributes"].get("RedrivePolicy") or "{}")
        if policy.get("deadLetterTargetArn") == dead["attributes"]["QueueArn"]:
            yield queue


def _handle(source_arn: str) -> str:
    content = json.dumps({"taskId": str(uuid4()), "sourceArn": source_arn})
    return base64.b64encode(content.encode()).decode()


def _described(task: Task) -> dict[str, Any]:
    hidden = set() if task["Status"] == "RUNNING" else {"TaskHandle"}
    return {
        name: value
        for name, value in task.items()
        if not name.startswith("_") and name not in hidden and value is not None
    }


def _renewed(message: Mapping[str, Any], now: float, delay: int) -> dict[str, Any]:
    """The message as a new one: SQS gives it an id, a time and a receive count of its own."""
    content: Callable[[str], bool] = lambda name: not name.startswith("_")  # noqa: E731
    system = {**message["sys"], "SentTimestamp": str(int(now * 1000))}
    system.pop("DeadLetterQueueSourceArn", None)
    return {
        **{name: value for name, value in message.items() if content(name)},
        "id": str(uuid4()),
        "sys": system,
        "sent_at": now,
        "enqueued_at": now,
        "visible_at": now + delay,
        "receive_count": 0,
        "first_receive_at": None,
        "receipt_handle": None,
    }
