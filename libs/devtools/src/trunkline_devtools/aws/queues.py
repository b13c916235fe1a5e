"""Dead letters: looking at them and sending them back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trunkline.manifest import Manifest, names
from trunkline_devtools.aws.clients import Aws, aws_errors
from trunkline_devtools.errors import CloudCallFailed
from trunkline_devtools.waiting import wait_for

__all__ = ["DeadLetter", "QueuePair", "Redriven", "dead_letters", "depth", "queues_of", "redrive"]

_MOVE_TIMEOUT_SECONDS = 120.0
_LOOK_SECONDS = 10
"""How long a message is hidden at most while the others are looked at."""
_HIDDEN_SECONDS = 30.0
"""How long a redrive waits for messages that somebody else is looking at."""


@dataclass(frozen=True)
class QueuePair:
    """A function's queue and the queue for what it could not process."""

    service: str
    function: str
    queue: str
    dead_letter_queue: str


@dataclass(frozen=True)
class DeadLetter:
    """A message that could not be processed."""

    service: str
    function: str
    message_id: str
    reason: str
    error_type: str
    failed_at: str
    type: str
    """Wire name of the event or task, where the body says it."""
    subject: str
    """What it is about, for example an order's id."""
    body: str


@dataclass(frozen=True)
class Redriven:
    """How many messages went back to one queue."""

    service: str
    function: str
    moved: int


def queues_of(manifests: Sequence[Manifest], environment: str) -> tuple[QueuePair, ...]:
    """Every queue of the environment with its dead-letter queue."""
    return tuple(
        QueuePair(
            manifest.service,
            function.name,
            *(
                name(
                    environment,
                    manifest.service,
                    function.name,
                    ordered=manifest.gets_ordered(function.name),
                )
                for name in (names.queue, names.dead_letter_queue)
            ),
        )
        for manifest in manifests
        for function in manifest.functions
        if function.trigger in {"event", "tasks"}
    )


def depth(aws: Aws, queue: str) -> int:
    """How many messages a queue holds, hidden ones too; AWS calls the number approximate."""
    with aws_errors(f"looking at the queue {queue}"):
        attributes = _attributes(aws, _url(aws, queue))
    return int(attributes["ApproximateNumberOfMessages"]) + int(
        attributes["ApproximateNumberOfMessagesNotVisible"]
    )


def dead_letters(aws: Aws, pair: QueuePair) -> tuple[DeadLetter, ...]:
    """The messages in a dead-letter queue; they stay there.

    Raises:
        CloudCallFailed: the queue does not exist or the caller may not read it.
    """
    sqs = aws.client("sqs")
    sqs = aws.client("sqs")
    found: dict[str, dict[str, Any]] = {}
    with aws_errors(f"reading the queue {pair.dead_letter_queue}"):
        url = _url(aws, pair.dead_letter_queue)
        while messages := _receive(sqs, url):
            found |= {message["MessageId"]: message for message in messages}
        for message in found.values():
            # Seen is not taken: whoever redrives next shall find it.
            sqs.change_message_visibility(
                QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )
    return tuple(_dead_letter(pair, message) for message in found.values())


def _receive(sqs: Any, url: str) -> list[dict[str, Any]]:
    answer = sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        VisibilityTimeout=_LOOK_SECONDS,
        MessageAttributeNames=["All"],
    )
    messages: list[dict[str, Any]] = answer.get("Messages", [])
    return messages


def _dead_letter(pair: QueuePair, message: dict[str, Any]) -> DeadLetter:
    attributes = message.get("MessageAttributes", {})

    def attribute(name: str) -> str:
        return str(attributes.get(name, {}).get("StringValue", ""))

    try:
        envelope = json.loads(message["Body"])
    except ValueError:
        envelope = {}
    if not isinstance(envelope, dict):
        envelope = {}
    return DeadLetter(
        service=pair.service,
        function=pair.function,
        message_id=message["MessageId"],
        reason=attribute("reason") or "received too often",
        error_type=attribute("error_type"),
        failed_at=attribute("failed_at"),
        type=str(envelope.get("type", "")),
        subject=str(envelope.get("subject", "")),
        body=message["Body"],
    )


def redrive(aws: Aws, pair: QueuePair) -> Redriven:
    """Move every message of a dead-letter queue back to its queue, and wait until that is done.

    Raises:
        CloudCallFailed: SQS refused, or did not finish in two minutes.
    """
    sqs = aws.client("sqs")
    with aws_errors(f"redriving {pair.dead_letter_queue}"):
        source = _arn(aws, pair.dead_letter_queue)
        waiting = depth(aws, pair.dead_letter_queue)
        if waiting == 0:
            return Redriven(pair.service, pair.function, 0)
        wait_for(lambda: _all_visible(aws, pair), timeout=_HIDDEN_SECONDS)
        sqs.start_message_move_task(SourceArn=source, DestinationArn=_arn(aws, pair.queue))

        def ended() -> dict[str, Any] | None:
            tasks = sqs.list_message_move_tasks(SourceArn=source, MaxResults=1)["Results"]
            done = tasks and tasks[0]["Status"] not in {"RUNNING", "CANCELLING"}
            return dict(tasks[0]) if done else None

        task = wait_for(ended, timeout=_MOVE_TIMEOUT_SECONDS)
    if task is None or task["Status"] != "COMPLETED":
        reason = (task or {}).get("FailureReason", "it did not end in time")
        raise CloudCallFailed(f"redriving {pair.dead_letter_queue} failed: {reason}")
    moved = int(task.get("ApproximateNumberOfMessagesMoved", waiting))
    return Redriven(pair.service, pair.function, moved)


def _all_visible(aws: Aws, pair: QueuePair) -> bool | None:
    attributes = _attributes(aws, _url(aws, pair.dead_letter_queue))
    return True if attributes["ApproximateNumberOfMessagesNotVisible"] == "0" else None


def _url(aws: Aws, queue: str) -> str:
    return str(aws.client("sqs").get_queue_url(QueueName=queue)["QueueUrl"])


def _attributes(aws: Aws, url: str) -> dict[str, str]:
    answer = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    return dict(answer["Attributes"])


def _arn(aws: Aws, queue: str) -> str:
    return _attributes(aws, _url(aws, queue))["QueueArn"]
