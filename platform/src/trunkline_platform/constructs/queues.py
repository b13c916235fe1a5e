"""Queues and their dead-letter queues."""

from __future__ import annotations

import json
from collections.abc import Mapping

from cdktn_provider_aws.sqs_queue import SqsQueue
from constructs import Construct

from trunkline_platform.aws import Aws
from trunkline_platform.constructs.alarms import alarm
from trunkline_platform.constructs.encryption import EncryptionKey
from trunkline_platform.constructs.identity import Grantee
from trunkline_platform.policy import Statement, document, require_tls

__all__ = ["DeadLetterQueue", "Queue", "grant_send"]

_FOURTEEN_DAYS = 14 * 24 * 3600  # SQS's longest retention
_ALL_ACTIONS = ("sqs:*",)  # of a statement that denies


class DeadLetterQueue(Construct):
    """Where messages go that a function could not process; kept for fourteen days.

    One message in it raises an alarm. Only the queue it belongs to may use it for redrive. As that
    of a FIFO queue it is a FIFO queue, which its name says.
    """

    def __init__(
        self, scope: Construct, id_: str, *, aws: Aws, name: str, source: str, key: EncryptionKey
    ) -> None:
        """Args: ``source`` is the name of the queue that it belongs to."""
        super().__init__(scope, id_)
        self.name = name
        self.arn = aws.queue_arn(name)
        self.url = aws.queue_url(name)
        self._key = key
        allowed = {"redrivePermission": "byQueue", "sourceQueueArns": [aws.queue_arn(source)]}
        self.resource = SqsQueue(
            self,
            "this",
            name=name,
            fifo_queue=_is_fifo(name),
            kms_master_key_id=key.arn,
            message_retention_seconds=_FOURTEEN_DAYS,
            redrive_allow_policy=_compact(allowed),
            policy=document([require_tls(_ALL_ACTIONS, self.arn)]),
        )
        alarm(
            self,
            "depth",
            aws=aws,
            name=f"{name}-depth",
            description=f"{source} has messages that its function could not process.",
            metric=("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
            dimensions={"QueueName": name},
            statistic="Maximum",
            at_least=1,
        )

    def grant_send(self, grantee: Grantee) -> None:
        """Let the grantee put messages aside, with a reason."""
        grantee.allow(_send(self.arn, "PutDeadLetters"))
        self._key.grant_encrypt(grantee, through="sqs")


class Queue(Construct):
    """A queue in front of one function, with its dead-letter queue; alarmed on age.

    SQS itself moves what the function did not even manage to put aside. A FIFO queue, which its
    name says, takes the word of its senders for what is a duplicate.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        aws: Aws,
        name: str,
        dead_letters: DeadLetterQueue,
        key: EncryptionKey,
        visibility_seconds: int,
        max_receives: int,
        topic_arns: tuple[str, ...] = (),
    ) -> None:
        """Args: ``topic_arns`` are the topics that may send to it; else no AWS service may."""
        super().__init__(scope, id_)
        self.name = name
        self.is_fifo = _is_fifo(name) is True
        self.arn = aws.queue_arn(name)
        self.url = aws.queue_url(name)
        self._key = key
        statements = [require_tls(_ALL_ACTIONS, self.arn)]
        if topic_arns:
            statements.append(_from_topics(aws, self.arn, topic_arns))
        # The dead-letter queue's own attribute, not its known ARN: it must exist before.
        redrive = {
            "deadLetterTargetArn": dead_letters.resource.arn,
            "maxReceiveCount": max_receives,
        }
        self.resource = SqsQueue(
            self,
            "this",
            name=name,
            fifo_queue=_is_fifo(name),
            kms_master_key_id=key.arn,
            visibility_timeout_seconds=visibility_seconds,
            redrive_policy=_compact(redrive),
            policy=document(statements),
        )
        alarm(
            self,
            "age",
            aws=aws,
            name=f"{name}-age",
            description=f"The oldest message in {name} waits too long.",
            metric=("AWS/SQS", "ApproximateAgeOfOldestMessage"),
            dimensions={"QueueName": name},
            statistic="Maximum",
            at_least=aws.settings.alarms.queue_age_seconds,
        )

    def grant_consume(self, grantee: Grantee) -> None:
        """Let the grantee receive, postpone and delete messages.

        An event source mapping does so on behalf of the function:
        https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
        """
        grantee.allow(
            Statement(
                sid="ConsumeQueue",
                actions=(
                    "sqs:ChangeMessageVisibility",
                    "sqs:DeleteMessage",
                    "sqs:GetQueueAttributes",
                    "sqs:ReceiveMessage",
                ),
                resources=(self.arn,),
            )
        )
        self._key.grant_decrypt(grantee, through="sqs")


def grant_send(grantee: Grantee, *, queue_arn: str, key: EncryptionKey) -> None:
    """Let the grantee put tasks on another service's queue, which another root owns."""
    grantee.allow(_send(queue_arn, "SendTasks"))
    key.grant_encrypt(grantee, through="sqs")


def _is_fifo(name: str) -> bool | None:
    """Whether a queue is a FIFO queue; unset, for Terraform, if it is none."""
    return True if name.endswith(".fifo") else None


def _send(queue_arn: str, sid: str) -> Statement:
    return Statement(sid=sid, actions=("sqs:SendMessage",), resources=(queue_arn,))


def _from_topics(aws: Aws, queue_arn: str, topic_arns: tuple[str, ...]) -> Statement:
    """https://docs.aws.amazon.com/sns/latest/dg/subscribe-sqs-queue-to-sns-topic.html"""
    return Statement(
        sid="FromTopics",
        principal={"Service": "sns.amazonaws.com"},
        actions=("sqs:SendMessage",),
        resources=(queue_arn,),
        conditions={
            "ArnEquals": {"aws:SourceArn": topic_arns},
            "StringEquals": {"aws:SourceAccount": aws.account},
        },
    )


def _compact(content: Mapping[str, object]) -> str:
    """As SQS itself writes it; the provider takes other white space for a change."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"))
