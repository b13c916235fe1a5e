"""The topics: one per publishing service."""

from __future__ import annotations

from collections.abc import Iterable

from constructs import Construct

from trunkline.manifest import Manifest
from trunkline_platform.constructs import parameters
from trunkline_platform.constructs.encryption import EncryptionKey
from trunkline_platform.constructs.topics import Topic
from trunkline_platform.roots import FOUNDATION, MESSAGING
from trunkline_platform.settings import EnvironmentSettings
from trunkline_platform.stacks.base import RootStack

__all__ = ["MessagingStack"]


class MessagingStack(RootStack):
    """A root of its own, so that publishers and subscribers may be deployed in any order."""

    def __init__(
        self, scope: Construct, settings: EnvironmentSettings, manifests: Iterable[Manifest]
    ) -> None:
        super().__init__(scope, MESSAGING, settings)
        arn = parameters.read(
            self, "read-data-key-arn", self.aws.parameter(FOUNDATION, "data-key-arn")
        )
        key = EncryptionKey(self.aws, arn)
        for manifest in manifests:
            if not manifest.publishes:
                continue
            service = manifest.service
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
