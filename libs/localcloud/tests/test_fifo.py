"""What is relied on of FIFO topics, queues and their mappings, for which no gap is needed."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

Client = Callable[..., Any]

_HANDLER = """
def handler(event, context):
    (record,) = event["Records"]
    name = record["body"]
    receives = int(record["attributes"]["ApproximateReceiveCount"])
    print("GOT", name, record["attributes"]["MessageGroupId"], flush=True)
    if name == "fails-once" and receives == 1:
        return {"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}
    print("GOT", name + "-done", record["attributes"]["MessageGroupId"], flush=True)
"""


@pytest.fixture
def queue(client: Client) -> str:
    """The URL of a new FIFO queue whose messages come back after a second."""
    return str(
        client("sqs").create_queue(
            QueueName=f"queue-{secrets.token_hex(4)}.fifo",
            Attributes={"VisibilityTimeout": "1", "FifoQueue": "true"},
        )["QueueUrl"]
    )


@pytest.fixture
def arn(client: Client, queue: str) -> str:
    """The queue's ARN."""
    attributes = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    return str(attributes["Attributes"]["QueueArn"])


@pytest.fixture
def got(client: Client, function: Callable[..., str], arn: str) -> Iterator[Callable[[], Any]]:
    """What a function at the queue got, in order: names and groups."""
    name = function(_HANDLER, Timeout=60)
    functions, logs = client("lambda"), client("logs")
    made = functions.create_event_source_mapping(
        FunctionName=name,
        EventSourceArn=arn,
        BatchSize=1,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )

    def read() -> list[tuple[str, str]]:
        try:
            found = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}", filterPattern="GOT")[
                "events"
            ]
        except logs.exceptions.ResourceNotFoundException:
            return []
        return [tuple(event["message"].split()[1:3]) for event in found]

    yield read
    functions.delete_event_source_mapping(UUID=made["UUID"])


@pytest.fixture
def send(client: Client, queue: str) -> Callable[[str, str], object]:
    """Sends a message of a group."""

    def send(body: str, group: str) -> object:
        return client("sqs").send_message(
            QueueUrl=queue,
            MessageBody=body,
            MessageGroupId=group,
            MessageDeduplicationId=secrets.token_hex(8),
        )

    return send


def test_a_group_waits_for_its_failed_message(
    send: Callable[[str, str], object], got: Callable[[], Any], eventually: Callable[..., Any]
) -> None:
    """What is behind a failed message is delivered after it has succeeded."""
    for body in ("fails-once", "second", "third"):
        send(body, "a")
    eventually(lambda: ("third-done", "a") in got(), within=60)
    names = [name for name, _ in got() if not name.endswith("-done")]
    assert names == ["fails-once", "fails-once", "second", "third"]


def test_a_postponed_message_blocks_its_group_alone(client: Client, queue: str) -> None:
    """ChangeMessageVisibility keeps a message in flight, and with it its group."""
    sqs = client("sqs")
    for body, group in (("a1", "a"), ("a2", "a"), ("b1", "b")):
        sqs.send_message(
            QueueUrl=queue, MessageBody=body, MessageGroupId=group, MessageDeduplicationId=body
        )

    def receive(size: int) -> list[dict[str, Any]]:
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=size)
        return list(answer.get("Messages", []))

    (first,) = receive(1)
    handle = first["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=600)
    assert [message["Body"] for message in receive(10)] == ["b1"]
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=0)
    assert [message["Body"] for message in receive(10)] == ["a1", "a2"]


def test_a_fifo_topic_keeps_order_groups_and_no_duplicates(
    client: Client, queue: str, arn: str
) -> None:
    """What a topic took under one deduplication id is delivered once, with its group."""
    sns, sqs = client("sns"), client("sqs")
    topic = sns.create_topic(
        Name=f"topic-{secrets.token_hex(4)}.fifo", Attributes={"FifoTopic": "true"}
    )["TopicArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"}
    )
    for body in ("1", "2", "1", "3", "2"):
        answer = sns.publish_batch(
            TopicArn=topic,
            PublishBatchRequestEntries=[
                {"Id": "0", "Message": body, "MessageGroupId": "g", "MessageDeduplicationId": body}
            ],
        )
        assert [entry["Id"] for entry in answer["Successful"]] == ["0"]
    messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, AttributeNames=["All"])[
        "Messages"
    ]
    assert [message["Body"] for message in messages] == ["1", "2", "3"]
    assert {message["Attributes"]["MessageGroupId"] for message in messages} == {"g"}
