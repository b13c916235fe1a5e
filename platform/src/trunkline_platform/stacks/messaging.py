"""What messages between services go through: a topic per publishing service, one key, a bucket."""

from __future__ import annotations

from collections.abc import Iterable

from constructs import Construct

from trunkline.manifest import Manifest, PayloadNeed
from trunkline.manifest.names import PROJECT
from trunkline_platform.constructs import parameters
from trunkline_platform.constructs.encryption import (
    CustomerKey,
    EncryptionKey,
    service_statement,
)
from trunkline_platform.constructs.payloads import payload_bucket
from trunkline_platform.constructs.topics import Topic
from trunkline_platform.roots import MESSAGING
from trunkline_platform.settings import EnvironmentSettings
from trunkline_platform.stacks.base import RootStack

__all__ = ["MessagingStack"]


class MessagingStack(RootStack):
    """Topics, the bucket of large messages, and the key of everything on its way between services.

    A root of its own, so that publishers and subscribers may be deployed in any order; a key of its
    own, so that the right to send or receive opens no table, and this root waits for no other.
    """

    def __init__(
        self, scope: Construct, settings: EnvironmentSettings, manifests: Iterable[Manifest]
    ) -> None:
        super().__init__(scope, MESSAGING, settings)
        key = self._key()
        parameters.publish(
            self,
            "parameter-key-arn",
            self.aws.parameter(MESSAGING, "key-arn"),
            key.arn,
            "Key that encrypts topics and queues",
        )
        known = tuple(manifests)
        if _has_large_messages(known):
            payload_bucket(self, "payloads", aws=self.aws, key=key)
        for manifest in known:
            if set(manifest.publishes) - set(manifest.ordered):
                self._topic(manifest.service, key)
            if manifest.ordered:
                self._ordered_topic(manifest.service, key)

    def _topic(self, service: str, key: EncryptionKey) -> None:
        topic = Topic(
            self, f"{service}_topic", aws=self.aws, name=self.aws.topic_name(service), key=key
        )
        parameters.publish(
            self,
            f"{service}_parameter",
            self.aws.parameter(MESSAGING, service, "topic-arn"),
            topic.resource.arn,
            f"Topic on which {service} publishes its events",
        )

    def _ordered_topic(self, service: str, key: EncryptionKey) -> None:
        name = self.aws.topic_name(service, ordered=True)
        topic = Topic(self, f"{service}_ordered-topic", aws=self.aws, name=name, key=key)
        parameters.publish(
            self,
            f"{service}_ordered-parameter",
            self.aws.parameter(MESSAGING, service, "ordered-topic-arn"),
            topic.resource.arn,
            f"FIFO topic on which {service} publishes its ordered events",
        )

    def _key(self) -> EncryptionKey:
        """It admits SNS by the names of the topics, so a new service changes nothing."""
        aws = self.aws
        prefix = f"{PROJECT}-{aws.environment}-"
        return CustomerKey(
            self,
            "key",
            aws=aws,
            alias=f"alias/{prefix}messages",
            description=f"Messages between the services in {aws.environment}",
            used_through=("s3", "sns", "sqs"),
            statements=[
                # https://docs.aws.amazon.com/sns/latest/dg/sns-enable-encryption-for-topic-sqs-queue-subscriptions.html
                service_statement(
                    "Topics",
                    "sns",
                    "kms:Decrypt",
                    "kms:GenerateDataKey",
                    conditions={
                        "StringEquals": {"aws:SourceAccount": aws.account},
                        "ArnLike": {"aws:SourceArn": aws.arn("sns", f"{prefix}*")},
                    },
                )
            ],
        ).key


def _has_large_messages(manifests: Iterable[Manifest]) -> bool:
    return any(
        isinstance(need, PayloadNeed)
        for manifest in manifests
        for function in manifest.functions
        for need in function.needs
    )
