"""A batch needs the permission of a single one, as in AWS, and no other."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[..., Any]
ENTRIES = [{"Id": "1", "MessageBody": "a"}, {"Id": "2", "MessageBody": "b"}]


@pytest.fixture
def somebody(client: Client) -> Callable[[str, str], Any]:
    """Makes a client of a new user who may do one action alone."""
    iam = client("iam")

    def make(service: str, action: str) -> Any:
        name = f"user-{secrets.token_hex(4)}"
        iam.create_user(UserName=name)
        statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return client(
            service,
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
        )

    return make


def test_publishing_a_batch_needs_publish(
    client: Client, somebody: Callable[[str, str], Any]
) -> None:
    """sns:Publish suffices for PublishBatch."""
    topic = client("sns").create_topic(Name=f"topic-{secrets.token_hex(4)}")["TopicArn"]
    entries = [{"Id": "1", "Message": "a"}]
    publisher = somebody("sns", "sns:Publish")
    assert publisher.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)["Successful"]
    with pytest.raises(ClientError, match="sns:Publish"):
        somebody("sns", "sns:PublishBatch").publish_batch(
            TopicArn=topic, PublishBatchRequestEntries=entries
        )


def test_sending_a_batch_needs_send_message(
    client: Client, somebody: Callable[[str, str], Any]
) -> None:
    """sqs:SendMessage suffices for SendMessageBatch."""
    queue = client("sqs").create_queue(QueueName=f"queue-{secrets.token_hex(4)}")["QueueUrl"]
    sender = somebody("sqs", "sqs:SendMessage")
    assert len(sender.send_message_batch(QueueUrl=queue, Entries=ENTRIES)["Successful"]) == 2
    with pytest.raises(ClientError) as refusal:
        somebody("sqs", "sqs:ReceiveMessage").send_message_batch(QueueUrl=queue, Entries=ENTRIES)
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)
