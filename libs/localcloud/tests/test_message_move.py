"""Contract of the gap ``message_move``."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[..., Any]
Eventually = Callable[..., Any]
_ALL = {"MessageAttributeNames": ["All"], "MessageSystemAttributeNames": ["All"]}
_ATTRIBUTES = {"traceparent": {"DataType": "String", "StringValue": "00-a-b-01"}}


class Queues:
    """A queue with a dead-letter queue."""

    def __init__(self, client: Client) -> None:
        self.sqs = client("sqs")
        self.name = f"move-{secrets.token_hex(4)}"
        self.dead = self.sqs.create_queue(QueueName=f"{self.name}-dead")["QueueUrl"]
        self.dead_arn = self._arn(self.dead)
        policy = {"deadLetterTargetArn": self.dead_arn, "maxReceiveCount": 1}
        attributes = {"RedrivePolicy": json.dumps(policy), "VisibilityTimeout": "0"}
        self.work = self.sqs.create_queue(QueueName=self.name, Attributes=attributes)["QueueUrl"]
        self.work_arn = self._arn(self.work)

    def _arn(self, url: str) -> str:
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return str(found["Attributes"]["QueueArn"])

    def bury(self, *bodies: str) -> None:
        """Send messages and let them become dead letters."""
        for body in bodies:
            self.sqs.send_message(
                QueueUrl=self.work, MessageBody=body, MessageAttributes=_ATTRIBUTES
            )
        while self.sqs.receive_message(QueueUrl=self.work, MaxNumberOfMessages=10).get("Messages"):
            pass

    def count(self, url: str) -> int:
        """Messages that could be received."""
        name = "ApproximateNumberOfMessages"
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
        return int(found["Attributes"][name])

    def status(self) -> str:
        """Status of the last task."""
        found = self.sqs.list_message_move_tasks(SourceArn=self.dead_arn)["Results"]
        return str(found[0]["Status"])


@pytest.fixture
def queues(client: Client) -> Queues:
    """A queue with a dead-letter queue."""
    return Queues(client)


def test_dead_letters_keep_their_attributes_and_source(queues: Queues) -> None:
    """A dead letter has its body, attributes and receive count, and names its source queue."""
    queues.bury("a")
    (dead,) = queues.sqs.receive_message(QueueUrl=queues.dead, **_ALL)["Messages"]
    assert dead["Body"] == "a"
    assert dead["MessageAttributes"]["traceparent"]["StringValue"] == "00-a-b-01"
    assert queues.work_arn == dead["Attributes"]["DeadLetterQueueSourceArn"]
    assert dead["Attributes"]["ApproximateReceiveCount"] == "2"
    assert 0 <= time.time() - int(dead["Attributes"]["SentTimestamp"]) / 1000 < 30


def test_messages_go_back_where_they_came_from(queues: Queues, eventually: Eventually) -> None:
    """Without a destination each dead letter returns to its queue, as a new message."""
    queues.bury("a", "b")
    handle = queues.sqs.start_message_move_task(SourceArn=queues.dead_arn)["TaskHandle"]
    assert handle
    eventually(lambda: queues.status() == "COMPLETED")
    assert (queues.count(queues.dead), queues.count(queues.work)) == (0, 2)
    (task,) = queues.sqs.list_message_move_tasks(SourceArn=queues.dead_arn)["Results"]
    assert (
        task["ApproximateNumberOfMessagesMoved"] == task["ApproximateNumberOfMessagesToMove"] == 2
    )
    assert "TaskHandle" not in task
    (message,) = queues.sqs.receive_message(QueueUrl=queues.work, **_ALL)["Messages"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert message["MessageAttributes"]["traceparent"]["StringValue"] == "00-a-b-01"
    assert "DeadLetterQueueSourceArn" not in message["Attributes"]


def test_messages_go_to_another_queue(queues: Queues, eventually: Eventually) -> None:
    """A destination takes messages that were sent to the dead-letter queue directly, too."""
    other = queues.sqs.create_queue(QueueName=f"{queues.name}-other")["QueueUrl"]
    queues.sqs.send_message(QueueUrl=queues.dead, MessageBody="direct")
    queues.sqs.start_message_move_task(
        SourceArn=queues.dead_arn, DestinationArn=f"{queues.work_arn}-other"
    )
    eventually(lambda: queues.count(other) == 1)


def test_unknown_source_fails(queues: Queues, eventually: Eventually) -> None:
    """A message that no queue's redrive policy moved cannot go back by itself."""
    queues.sqs.send_message(QueueUrl=queues.dead, MessageBody="direct")
    queues.sqs.start_message_move_task(SourceArn=queues.dead_arn)
    eventually(lambda: queues.status() == "FAILED")
    (task,) = queues.sqs.list_message_move_tasks(SourceArn=queues.dead_arn)["Results"]
    assert task["FailureReason"] == "CouldNotDetermineMessageSource"
    assert queues.count(queues.dead) == 1


def test_a_slow_move_is_cancelled(queues: Queues) -> None:
    """One task at a time runs on a queue, at its rate, until it is cancelled."""
    queues.bury("a", "b", "c", "d", "e")
    handle = queues.sqs.start_message_move_task(
        SourceArn=queues.dead_arn, MaxNumberOfMessagesPerSecond=1
    )["TaskHandle"]
    with pytest.raises(ClientError, match="already a task running"):
        queues.sqs.start_message_move_task(SourceArn=queues.dead_arn)
    moved = queues.sqs.cancel_message_move_task(TaskHandle=handle)
    assert moved["ApproximateNumberOfMessagesMoved"] < 5
    assert queues.status() == "CANCELLED"
    assert queues.count(queues.dead) > 0


def test_only_dead_letters_move(queues: Queues) -> None:
    """A queue that is nobody's dead-letter queue is refused, and so is one that is not there."""
    with pytest.raises(ClientError, match="must be configured as a Dead Letter Queue"):
        queues.sqs.start_message_move_task(SourceArn=queues.work_arn)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        queues.sqs.start_message_move_task(SourceArn=f"{queues.work_arn}-missing")


@pytest.mark.parametrize(
    "missing", ["sqs:StartMessageMoveTask", "sqs:DeleteMessage", "sqs:SendMessage"]
)
def test_caller_needs_the_right_to_all_of_it(client: Client, queues: Queues, missing: str) -> None:
    """Starting a move takes the rights to receive and delete here and to send there."""
    needed = {
        queues.dead_arn: [
            "sqs:StartMessageMoveTask",
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
        ],
        queues.work_arn: ["sqs:SendMessage"],
    }

    def start(left_out: str) -> None:
        statements = [
            {"Effect": "Allow", "Action": action, "Resource": arn}
            for arn, actions in needed.items()
            for action in actions
            if action != left_out
        ]
        iam, name = client("iam"), f"user-{secrets.token_hex(4)}"
        iam.create_user(UserName=name)
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        client(
            "sqs",
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
        ).start_message_move_task(SourceArn=queues.dead_arn)

    with pytest.raises(ClientError, match="AccessDenied"):
        start(missing)
    start("")
