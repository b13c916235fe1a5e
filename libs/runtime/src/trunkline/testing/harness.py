"""A whole service in one process: its handlers run as in Lambda, on moto or a running cloud."""

from __future__ import annotations

import json
import os
import socket
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import cached_property
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from trunkline import clock
from trunkline.aws.items import from_item
from trunkline.contracts.api import Operation
from trunkline.contracts.message import Message, message_type
from trunkline.declaration.handlers import MessageHandler
from trunkline.declaration.service import Service
from trunkline.errors import DeclarationError, NotInThisCloud
from trunkline.events import payloads
from trunkline.events.aws import S3Payloads
from trunkline.events.cloudevents import CloudEvent
from trunkline.events.outbox import OutboxItem, OutboxKey
from trunkline.idempotency.aws import DynamoStore
from trunkline.idempotency.keys import digest
from trunkline.identity import Caller
from trunkline.manifest import names, variables
from trunkline.program import Program
from trunkline.settings.secret import Secret
from trunkline.settings.setting import LiveSetting
from trunkline.testing.aws.faults import Crashed, Faults
from trunkline.testing.aws.in_process import MotoCloud
from trunkline.testing.aws.rotating import STEPS, begin_rotation
from trunkline.testing.clock import MovableClock
from trunkline.testing.cloud import Cloud, Email
from trunkline.testing.deadline import far_away
from trunkline.testing.events import api_event, queue_record, stream_record
from trunkline.testing.neighbours import Neighbour

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Answer:
    """What an API call gave."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body's content; ``None`` if it is empty."""
        return json.loads(self.text) if self.text else None


@dataclass(frozen=True)
class DeadLetter:
    """A message that could not be processed."""

    body: str
    reason: str
    error_type: str
    function: str
    attributes: Mapping[str, str]


@dataclass(frozen=True)
class Waiting:
    """A message that was not acknowledged and comes back."""

    function: str
    body: str
    receives: int
    due: float
    """When, on :func:`trunkline.clock.now`'s clock."""
    attributes: Mapping[str, str]


class ServiceHarness:
    """Runs one service in this process.

    ::

        with ServiceHarness(service) as harness:
            answer = harness.call("POST", "/orders", {...}, headers={"Idempotency-Key": "1"})
            assert harness.emitted() == [OrderPlaced(...)]

    Tables, queues, secrets and parameters are those of the service's manifest; the environment
    variables are set as the platform sets them, and put back at the end.

    Args:
        service: what is tested.
        cloud: where its resources are; by default in this process and empty.
    """

    def __init__(self, service: Service, cloud: Cloud | None = None) -> None:
        self.service = service
        self.cloud: Cloud = cloud or MotoCloud()
        self.manifest = service.manifest()
        self._stack = ExitStack()
        self._neighbours: dict[str, Neighbour] = {}
        self._program: Program | None = None
        self._clock = MovableClock()
        self._waiting: list[Waiting] = []

    def __enter__(self) -> ServiceHarness:
        self._stack.enter_context(self.cloud.serving(self.manifest))
        self._stack.enter_context(self._clock.ticking())
        for cached in (*self.service.secrets.values(), *self.service.settings.values()):
            if isinstance(cached, Secret | LiveSetting):
                cached.forget()
        self._program = Program(self.service)
        self._waiting.clear()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def program(self) -> Program:
        """The service's programs, as :mod:`trunkline.entrypoints` runs them."""
        if self._program is None:
            raise DeclarationError("enter the harness first: with ServiceHarness(service) as h")
        return self._program

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        caller: Caller | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str | list[str]] | None = None,
        seconds: float = 30.0,
    ) -> Answer:
        """Call the service's API as API Gateway does after authentication.

        Args:
            method: the HTTP method.
            path: with its variables filled in.
            body: JSON values, or text as it is.
            caller: by default a service that may call, or a customer with an e-mail address.
            headers: of the request.
            query: query parameters.
            seconds: what Lambda grants.
        """
        who = caller or self.default_caller()
        if who.kind == "service" and caller is None and self.cloud.in_process:
            self.allow_callers(who.subject)
        event = api_event(
            method,
            path,
            body,
            caller=who,
            headers=headers,
            query=query,
            environment=self.cloud.environment,
        )
        try:
            with self.cloud.inside("api"):
                answer = self.program.api.handle(event, far_away(seconds))
        except Crashed:
            return Answer(502, {}, '{"message": "Internal server error"}')
        return Answer(answer["statusCode"], answer["headers"], answer["body"])

    def default_caller(self) -> Caller:
        """Who calls unless a test says otherwise."""
        if self.service.exposure == "public":
            return Caller.customer("customer-1", email="customer-1@example.com")
        if self.cloud.in_process:
            return Caller.service("a-caller")
        return Caller.service(min(self._known_callers()))

    def allow_callers(self, *services: str) -> None:
        """Say which services may call this one's API.

        Raises:
            NotInThisCloud: the running platform knows one of them not as a caller.
        """
        if not self.cloud.in_process and not set(services) <= self._known_callers():
            raise NotInThisCloud("other callers", "the platform says who may call")
        # The service itself is known too: neighbours in the same process see it as their caller.
        os.environ[variables.CALLERS] = ",".join((*services, self.service.name))

    def deliver(
        self,
        message: Message,
        *,
        event_id: str | None = None,
        receives: int = 1,
        traceparent: str | None = None,
        seconds: float = 30.0,
        sequence: int | None = None,
    ) -> bool:
        """Deliver an event or task to the function that handles it.

        Args:
            message: what it carries.
            event_id: the same for the same fact; by default one per message's content.
            receives: how often it was delivered, this time included.
            traceparent: of the span that sent it.
            seconds: what Lambda grants.
            sequence: the event's place among those about its subject; unknown by default.

        Returns:
            whether it was acknowledged; if not, its queue delivers it again.
        """
        envelope = CloudEvent.of(
            message,
            event_id=event_id
            or digest([message_type(message).wire_name, message.model_dump_json()]),
            source=message_type(message).service,
            traceparent=traceparent,
        )
        if sequence is not None:
            envelope = replace(envelope, partitionkey=envelope.subject, sequence=f"{sequence:010}")
        body = envelope.dump()
        if not payloads.fits(body):
            kind = message_type(message)
            key = OutboxKey(envelope.id, f"v{kind.version}")
            item = OutboxItem(key, kind.kind, kind.service, envelope, large=kind.large)
            body = payloads.check_in(item, S3Payloads()).envelope.dump()
        function = self._handler_of(message).function
        return self.deliver_raw(function, body, receives=receives, seconds=seconds)

    def deliver_raw(
        self,
        function: str,
        body: str,
        *,
        receives: int = 1,
        attributes: Mapping[str, str] | None = None,
        seconds: float = 30.0,
    ) -> bool:
        """Deliver any text to a function's queue; whether it was acknowledged."""
        sqs = self.cloud.client("sqs")
        ordered = self.manifest.gets_ordered(function)
        queue = self._queue_url(
            names.queue(self.cloud.environment, self.service.name, function, ordered=ordered)
        )
        group = "everything" if ordered else None
        sqs.send_message(QueueUrl=queue, MessageBody=body or " ", **_in_group(group))
        (received,) = sqs.receive_message(QueueUrl=queue)["Messages"]
        handle = received["ReceiptHandle"]
        record = queue_record(
            body, receives=receives, attributes=attributes, receipt_handle=handle, group=group
        )
        try:
            with self.cloud.inside(function):
                answer = self.program.consumer(function).handle(
                    {"Records": [record]}, far_away(seconds)
                )
            acknowledged = not answer["batchItemFailures"]
        except Crashed:
            acknowledged = False
        if not acknowledged:
            due = clock.now() + self.cloud.hidden_for(queue, handle)
            self._waiting.append(Waiting(function, body, receives + 1, due, attributes or {}))
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)
        return acknowledged

    def waiting(self) -> list[Waiting]:
        """The messages that were not acknowledged, in the order in which they come back."""
        return sorted(self._waiting, key=lambda message: message.due)

    def redeliver(self) -> list[bool]:
        """Deliver again what has waited long enough (:meth:`advance`).

        Returns:
            for each of these messages, whether it was acknowledged now.
        """
        due = [message for message in self.waiting() if message.due <= clock.now()]
        for message in due:
            self._waiting.remove(message)
        return [
            self.deliver_raw(
                message.function,
                message.body,
                receives=message.receives,
                attributes=message.attributes,
            )
            for message in due
        ]

    def emitted(self) -> list[Message]:
        """The events and tasks in the outbox, the oldest first."""
        known = {
            message_type(emitted).wire_name: emitted
            for handler in self._handlers()
            for emitted in handler.emits
        }
        found: list[Message] = []
        for item in map(OutboxItem.read, map(from_item, self._outbox())):
            message = known[item.envelope.type]
            envelope = payloads.redeem(item.envelope, message_type(message), S3Payloads())
            found.append(envelope.message(message))
        return found

    def relay(self) -> bool:
        """Run the relay on everything in the outbox; whether all of it was published."""
        records = [stream_record(item, number) for number, item in enumerate(self._outbox())]
        try:
            with self.cloud.inside("relay"):
                answer = self.program.relay.handle({"Records": records}, far_away())
        except Crashed:
            return False
        return not answer["batchItemFailures"]

    def dead_letters(self, function: str) -> list[DeadLetter]:
        """Take what is on a function's dead-letter queue."""
        sqs = self.cloud.client("sqs")
        ordered = self.manifest.gets_ordered(function)
        url = self._queue_url(
            names.dead_letter_queue(
                self.cloud.environment, self.service.name, function, ordered=ordered
            )
        )
        found: list[DeadLetter] = []
        while True:
            messages = sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
            ).get("Messages", [])
            if not messages:
                return found
            for message in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                facts = {
                    name: value.get("StringValue", "")
                    for name, value in message.get("MessageAttributes", {}).items()
                }
                found.append(
                    DeadLetter(
                        body=message["Body"],
                        reason=facts.pop("reason", ""),
                        error_type=facts.pop("error_type", ""),
                        function=facts.pop("function", ""),
                        attributes=facts,
                    )
                )

    def emails(self) -> list[Email]:
        """The e-mails handed to SES, the oldest first."""
        return self.cloud.emails()

    def set_secret(self, name: str, value: str) -> None:
        """Write a secret's value, as an operator does."""
        self._only_in_process("another value of a secret", "the running platform needs its own")
        self.cloud.client("secretsmanager").put_secret_value(
            SecretId=names.secret(self.cloud.environment, self.service.name, name),
            SecretString=value,
        )

    def rotate(self, name: str, *, token: str | None = None, steps: Sequence[str] = STEPS) -> str:
        """Rotate a secret as Secrets Manager does, step by step.

        Args:
            name: the secret's.
            token: of a rotation that was begun before, to repeat steps of it.
            steps: which of :data:`trunkline.testing.aws.rotating.STEPS`, in which order.

        Returns:
            the rotation's token, which is the id of the new version.

        Raises:
            Exception: what a step raised; Secrets Manager would repeat the step.
        """
        self._only_in_process("a rotation", "the running platform's secrets are its own")
        secret = names.secret(self.cloud.environment, self.service.name, name)
        token = token or begin_rotation(secret)
        rotator = self.program.rotator(self.service.rotations[name].function)
        for step in steps:
            event = {"Step": step, "SecretId": secret, "ClientRequestToken": token}
            with self.cloud.inside(self.service.rotations[name].function):
                rotator.handle(event, far_away())
        return token

    def set_setting(self, name: str, value: str) -> None:
        """Give a setting its value in this environment.

        A running function notices a live setting's new value within
        :data:`trunkline.settings.setting.LIVE_TTL_SECONDS`; :meth:`advance` gets it there.
        """
        self._only_in_process("another value of a setting", "the running platform needs its own")
        if self.service.settings[name].live:
            self.cloud.client("ssm").put_parameter(
                Name=names.setting_parameter(self.cloud.environment, self.service.name, name),
                Value=value,
                Type="String",
                Overwrite=True,
            )
        else:
            os.environ[variables.setting(name)] = value

    def advance(self, seconds: float) -> None:
        """Let time pass: locks, caches and whatever expires see it at once.

        Only :mod:`trunkline.clock` moves; sockets and threads keep the real time.
        """
        self._clock.advance(seconds)

    @cached_property
    def faults(self) -> Faults:
        """Faults to inject: what AWS refuses or loses, and when the process dies.

        Raises:
            NotInThisCloud: the cloud is not this test's own.
        """
        self._only_in_process("faults", "they are injected into this process's AWS")
        faults = Faults(self.cloud.environment, self.service.name)
        self._stack.callback(faults.close)
        return faults

    def answers(self, operation: Operation[P, R], handler: Callable[P, R]) -> Neighbour:
        """Let a function answer for another service, over real HTTP on this machine.

        Args:
            operation: of the other service's contract.
            handler: takes the operation's parameters by name; what it raises becomes the answer.
        """
        self._only_in_process("neighbours that the test plays", "the real ones run there")
        name = operation.service
        neighbour = self._neighbours.get(name)
        if neighbour is None:
            neighbour = Neighbour(name, self.service.name, DynamoStore())
            self._neighbours[name] = neighbour
            self._announce(name, self._stack.enter_context(neighbour.listening()))
        neighbour.implement(operation, handler)
        return neighbour

    def unreachable(self, service: str) -> None:
        """Make another service's address one where nobody listens."""
        self._only_in_process("an unreachable neighbour", "the real ones run there")
        self._announce(service, "http://127.0.0.1:9")

    def silent(self, service: str) -> None:
        """Make another service take requests and never answer: calls end by their own timeout."""
        self._only_in_process("a silent neighbour", "the real ones run there")
        # The system accepts connections for it, up to its backlog, and nobody reads from them.
        listener = self._stack.enter_context(closing(socket.create_server(("127.0.0.1", 0))))
        self._announce(service, f"http://127.0.0.1:{listener.getsockname()[1]}")

    def _announce(self, service: str, url: str) -> None:
        from trunkline.clients import http

        http.reset()
        parameter = names.api_url_parameter(self.cloud.environment, service)
        self.cloud.client("ssm").put_parameter(
            Name=parameter, Value=url, Type="String", Overwrite=True
        )
        os.environ[variables.api(service)] = parameter

    def _known_callers(self) -> set[str]:
        with self.cloud.inside("api"):
            return set(os.environ[variables.CALLERS].split(","))

    def _only_in_process(self, what: str, why: str) -> None:
        if not self.cloud.in_process:
            raise NotInThisCloud(what, why)

    def _queue_url(self, name: str) -> str:
        return str(self.cloud.client("sqs").get_queue_url(QueueName=name)["QueueUrl"])

    def _outbox(self) -> list[dict[str, Any]]:
        table = os.environ.get(variables.table("outbox"))
        if table is None:
            return []
        items = self.cloud.client("dynamodb").scan(TableName=table, ConsistentRead=True)["Items"]
        return sorted(items, key=lambda item: (item["stored_at"]["S"], item["position"]["N"]))

    def _handler_of(self, message: Message) -> MessageHandler:
        wire_name = message_type(message).wire_name
        handlers = [*self.service.event_handlers.values(), *self.service.task_handlers.values()]
        for handler in handlers:
            if wire_name in handler.accepted:
                return handler
        raise DeclarationError(f"{self.service!r} does not handle {wire_name}")

    def _handlers(self) -> list[Any]:
        return [
            *self.service.api_handlers.values(),
            *self.service.event_handlers.values(),
            *self.service.task_handlers.values(),
        ]


def _in_group(group: str | None) -> dict[str, str]:
    if group is None:
        return {}
    return {"MessageGroupId": group, "MessageDeduplicationId": uuid.uuid4().hex}
