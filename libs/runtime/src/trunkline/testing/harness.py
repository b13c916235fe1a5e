"""A whole service in one process: its handlers run as in Lambda, on an in-process AWS."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from moto.sesv2.models import sesv2_backends

from trunkline.aws import clients
from trunkline.aws.items import from_item
from trunkline.contracts.api import Operation
from trunkline.contracts.message import Message, message_type
from trunkline.declaration.handlers import MessageHandler
from trunkline.declaration.service import Service
from trunkline.errors import DeclarationError
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
from trunkline.testing.clock import MovableClock
from trunkline.testing.cloud import in_process_cloud
from trunkline.testing.deadline import far_away
from trunkline.testing.events import (
    ACCOUNT,
    ENVIRONMENT,
    REGION,
    api_event,
    queue_record,
    stream_record,
)
from trunkline.testing.neighbours import Neighbour
from trunkline.testing.rotating import STEPS, begin_rotation

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
class Email:
    """An e-mail that was handed to SES."""

    sender: str
    to: str
    subject: str
    body: str
    """The HTML part if there was one, else the text."""


class ServiceHarness:
    """Runs one service in this process.

    ::

        with ServiceHarness(service) as harness:
            answer = harness.call("POST", "/orders", {...}, headers={"Idempotency-Key": "1"})
            assert harness.emitted() == [OrderPlaced(...)]

    Tables, queues, secrets and parameters are those of the service's manifest, in moto; the
    environment variables are set as the platform sets them, and put back at the end.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        self.manifest = service.manifest()
        self._stack = ExitStack()
        self._neighbours: dict[str, Neighbour] = {}
        self._program: Program | None = None
        self._clock = MovableClock()

    def __enter__(self) -> ServiceHarness:
        self._stack.enter_context(in_process_cloud(self.manifest))
        self._stack.enter_context(self._clock.ticking())
        for cached in (*self.service.secrets.values(), *self.service.settings.values()):
            if isinstance(cached, Secret | LiveSetting):
                cached.forget()
        self._program = Program(self.service)
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
        if who.kind == "service" and caller is None:
            self.allow_callers(who.subject)
        event = api_event(method, path, body, caller=who, headers=headers, query=query)
        answer = self.program.api.handle(event, far_away(seconds))
        return Answer(answer["statusCode"], answer["headers"], answer["body"])

    def default_caller(self) -> Caller:
        """Who calls unless a test says otherwise."""
        if self.service.exposure == "public":
            return Caller.customer("customer-1", email="customer-1@example.com")
        return Caller.service("a-caller")

    def allow_callers(self, *services: str) -> None:
        """Say which services may call this one's API."""
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
        sqs = clients.client("sqs")
        queue = _queue_url(names.queue(ENVIRONMENT, self.service.name, function))
        os.environ[variables.FUNCTION] = function
        os.environ[variables.QUEUE] = queue
        os.environ[variables.DEAD_LETTER_QUEUE] = self._dead_letter_url(function)
        sqs.send_message(QueueUrl=queue, MessageBody=body or " ")
        (received,) = sqs.receive_message(QueueUrl=queue)["Messages"]
        handle = received["ReceiptHandle"]
        record = queue_record(body, receives=receives, attributes=attributes, receipt_handle=handle)
        answer = self.program.consumer(function).handle({"Records": [record]}, far_away(seconds))
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)
        return not answer["batchItemFailures"]

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
        answer = self.program.relay.handle({"Records": records}, far_away())
        return not answer["batchItemFailures"]

    def dead_letters(self, function: str) -> list[DeadLetter]:
        """Take what is on a function's dead-letter queue."""
        sqs = clients.client("sqs")
        url = self._dead_letter_url(function)
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
        backend = sesv2_backends[ACCOUNT][REGION]
        return [
            Email(sent.source, ", ".join(sent.destinations["ToAddresses"]), sent.subject, sent.body)
            for sent in backend.core_backend.sent_messages
        ]

    def set_secret(self, name: str, value: str) -> None:
        """Write a secret's value, as an operator does."""
        clients.client("secretsmanager").put_secret_value(
            SecretId=names.secret(ENVIRONMENT, self.service.name, name), SecretString=value
        )

    def rotate(self, name: str, *, token: str | None = None, steps: Sequence[str] = STEPS) -> str:
        """Rotate a secret as Secrets Manager does, step by step.

        Args:
            name: the secret's.
            token: of a rotation that was begun before, to repeat steps of it.
            steps: which of :data:`trunkline.testing.rotating.STEPS`, in which order.

        Returns:
            the rotation's token, which is the id of the new version.

        Raises:
            Exception: what a step raised; Secrets Manager would repeat the step.
        """
        secret = names.secret(ENVIRONMENT, self.service.name, name)
        token = token or begin_rotation(secret)
        rotator = self.program.rotator(self.service.rotations[name].function)
        for step in steps:
            event = {"Step": step, "SecretId": secret, "ClientRequestToken": token}
            rotator.handle(event, far_away())
        return token

    def set_setting(self, name: str, value: str) -> None:
        """Give a setting its value in this environment.

        A running function notices a live setting's new value within
        :data:`trunkline.settings.setting.LIVE_TTL_SECONDS`; :meth:`advance` gets it there.
        """
        if self.service.settings[name].live:
            clients.client("ssm").put_parameter(
                Name=names.setting_parameter(ENVIRONMENT, self.service.name, name),
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

    def answers(self, operation: Operation[P, R], handler: Callable[P, R]) -> Neighbour:
        """Let a function answer for another service, over real HTTP on this machine.

        Args:
            operation: of the other service's contract.
            handler: takes the operation's parameters by name; what it raises becomes the answer.
        """
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
        self._announce(service, "http://127.0.0.1:9")

    def _announce(self, service: str, url: str) -> None:
        from trunkline.clients import http

        http.reset()
        parameter = names.api_url_parameter(ENVIRONMENT, service)
        clients.client("ssm").put_parameter(
            Name=parameter, Value=url, Type="String", Overwrite=True
        )
        os.environ[variables.api(service)] = parameter

    def _dead_letter_url(self, function: str) -> str:
        return _queue_url(names.dead_letter_queue(ENVIRONMENT, self.service.name, function))

    def _outbox(self) -> list[dict[str, Any]]:
        table = os.environ.get(variables.table("outbox"))
        if table is None:
            return []
        items = clients.client("dynamodb").scan(TableName=table)["Items"]
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


def _queue_url(name: str) -> str:
    return str(clients.client("sqs").get_queue_url(QueueName=name)["QueueUrl"])
