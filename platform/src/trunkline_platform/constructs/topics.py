"""Topics, subscriptions to them, and the right to publish."""

from __future__ import annotations

import json
from collections.abc import Iterable

from cdktn_provider_aws.sns_topic import SnsTopic
from cdktn_provider_aws.sns_topic_subscription import SnsTopicSubscription
from constructs import Construct

from trunkline_platform.aws import Aws
from trunkline_platform.constructs.encryption import EncryptionKey
from trunkline_platform.constructs.identity import Grantee
from trunkline_platform.constructs.queues import Queue
from trunkline_platform.policy import Statement, document, require_tls

__all__ = ["Topic", "grant_publish", "subscribe"]


class Topic(Construct):
    """An encrypted topic. Who may publish and subscribe, the account's IAM policies say.

    One whose name ends with ``.fifo`` is a FIFO topic. Its publishers say themselves what is a
    duplicate: two facts may have the same content.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        aws: Aws,
        name: str,
        key: EncryptionKey,
        statements: Iterable[Statement] = (),
    ) -> None:
        """Args: ``statements`` admit AWS services that publish to it."""
        super().__init__(scope, id_)
        self.arn = aws.arn("sns", name)
        self.resource = SnsTopic(
            self,
            "this",
            name=name,
            fifo_topic=True if name.endswith(".fifo") else None,
            kms_master_key_id=key.arn,
            policy=document([require_tls(("sns:Publish",), self.arn), *statements]),
        )


def grant_publish(
    grantee: Grantee, *, topic_arn: str, key: EncryptionKey, sid: str = "Publish"
) -> None:
    """Let the grantee publish to a topic, which another root owns."""
    grantee.allow(Statement(sid=sid, actions=("sns:Publish",), resources=(topic_arn,)))
    key.grant_encrypt(grantee, through="sns")


def subscribe(
    scope: Construct, id_: str, *, queue: Queue, topic_arn: str, message_types: list[str]
) -> None:
    """Have a topic's messages of some types delivered to a queue, unwrapped.

    The types are matched with the message attribute ``type``.
    """
    SnsTopicSubscription(
        scope,
        id_,
        topic_arn=topic_arn,
        protocol="sqs",
        endpoint=queue.resource.arn,
        raw_message_delivery=True,
        filter_policy_scope="MessageAttributes",
        filter_policy=json.dumps({"type": message_types}, sort_keys=True),
    )
