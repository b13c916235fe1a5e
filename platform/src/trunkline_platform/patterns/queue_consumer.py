"""A function that works off a queue of its own, with a dead-letter queue."""

from __future__ import annotations

from collections.abc import Mapping

from constructs import Construct

from trunkline.manifest import variables
from trunkline_platform.aws import Aws
from trunkline_platform.constructs.encryption import EncryptionKey
from trunkline_platform.constructs.functions import Function
from trunkline_platform.constructs.queues import DeadLetterQueue, Queue
from trunkline_platform.constructs.topics import subscribe
from trunkline_platform.constructs.triggers import consume_queue

__all__ = ["QueueConsumer"]

_MAX_RECEIVES = 5


class QueueConsumer(Construct):
    """Queue, dead-letter queue, trigger, grants and alarms of one function.

    The queue hides a message for ``queue_visibility_factor`` times the function's timeout. It
    receives the events of ``topics`` (types by publishing service); without any, whoever in the
    account is allowed to sends to it. Ordered events come from FIFO topics through a FIFO queue.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        aws: Aws,
        service: str,
        function: Function,
        key: EncryptionKey,
        topics: Mapping[str, list[str]],
        ordered: bool,
    ) -> None:
        super().__init__(scope, id_)
        declaration = function.declaration
        name = aws.queue_name(service, declaration.name, ordered=ordered)
        dead_letters = DeadLetterQueue(
            self,
            "dead-letters",
            aws=aws,
            name=aws.dead_letter_queue_name(service, declaration.name, ordered=ordered),
            source=name,
            key=key,
        )
        queue = Queue(
            self,
            "queue",
            aws=aws,
            name=name,
            dead_letters=dead_letters,
            key=key,
            visibility_seconds=declaration.timeout_seconds * aws.settings.queue_visibility_factor,
            max_receives=declaration.max_receives or _MAX_RECEIVES,
            topic_arns=tuple(aws.topic_arn(publisher, ordered=ordered) for publisher in topics),
        )
        dead_letters.grant_send(function.role)
        self.variables = {
            variables.QUEUE: queue.url,
            variables.DEAD_LETTER_QUEUE: dead_letters.url,
        }
        consume_queue(self, "trigger", function=function, queue=queue)
        for publisher, message_types in topics.items():
            subscribe(
                self,
                f"subscription-{publisher}",
                queue=queue,
                topic_arn=aws.topic_arn(publisher, ordered=ordered),
                message_types=message_types,
            )
