"""What runs in a function: a service's declaration with the adapters to AWS behind it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from trunkline import clock, environment
from trunkline.declaration.service import Service
from trunkline.errors import DeclarationError
from trunkline.manifest import variables
from trunkline.telemetry.setup import configure

if TYPE_CHECKING:
    from trunkline.api.handler import ApiProgram
    from trunkline.events.consumer import ConsumerProgram
    from trunkline.events.relay import RelayProgram
    from trunkline.rotation.program import RotationProgram


class Program:
    """All programs of one service; a function uses one of them, and only that is built."""

    def __init__(self, service: Service) -> None:
        configure()
        self.service = service
        self._consumers: dict[str, ConsumerProgram] = {}

    def warm(self, function: str | None) -> None:
        """Build what a function needs before its first event, while Lambda initialises it."""
        if function == "api":
            _ = self.api
        elif function == "relay":
            _ = self.relay
        elif function is not None and not self._rotates(function):  # for which nobody waits
            self.consumer(function)

    @cached_property
    def api(self) -> ApiProgram:
        """Answers API calls."""
        from trunkline.api.handler import ApiProgram
        from trunkline.idempotency.aws import DynamoStore

        return ApiProgram(self.service, DynamoStore())

    @cached_property
    def relay(self) -> RelayProgram:
        """Publishes the outbox."""
        from trunkline.events.aws import AwsChannels, DynamoOutbox
        from trunkline.events.relay import RelayProgram

        return RelayProgram(self.service.name, DynamoOutbox(), AwsChannels())

    def consumer(self, function: str) -> ConsumerProgram:
        """Processes messages.

        Raises:
            DeclarationError: the service has no such function.
        """
        from trunkline.events.aws import S3Payloads, SqsDeadLetters, SqsSource
        from trunkline.events.consumer import ConsumerProgram
        from trunkline.idempotency.aws import DynamoStore
        from trunkline.sequences.aws import DynamoSequences

        found = self._consumers.get(function)
        if found is None:
            if function == "tasks" and self.service.task_handlers:
                handlers = tuple(self.service.task_handlers.values())
            elif function in self.service.event_handlers:
                handlers = (self.service.event_handlers[function],)
            else:
                raise DeclarationError(f"{self.service!r} has no function {function!r}")
            found = ConsumerProgram(
                self.service.name,
                handlers,
                DynamoStore(),
                SqsSource(),
                SqsDeadLetters(),
                DynamoSequences(),
                payloads=S3Payloads(),
            )
            self._consumers[function] = found
        return found

    def event(self, event: Mapping[str, Any], deadline: float) -> Any:
        """Process messages of the queue of the function that runs here."""
        return self.consumer(environment.required(variables.FUNCTION)).handle(event, deadline)

    def _rotates(self, function: str) -> bool:
        return any(handler.function == function for handler in self.service.rotations.values())

    def rotator(self, function: str) -> RotationProgram:
        """Rotates a secret.

        Raises:
            DeclarationError: the service has no such function.
        """
        from trunkline.rotation.aws import SecretsManagerVersions
        from trunkline.rotation.program import RotationProgram

        for handler in self.service.rotations.values():
            if handler.function == function:
                return RotationProgram(self.service.name, handler, SecretsManagerVersions())
        raise DeclarationError(f"{self.service!r} has no function {function!r}")

    def rotation(self, event: Mapping[str, Any], deadline: float) -> None:
        """Do one step of the rotation of the function that runs here."""
        self.rotator(environment.required(variables.FUNCTION)).handle(event, deadline)


def deadline_of(context: Any) -> float:
    """When Lambda ends an invocation, on the monotonic clock, from its context object."""
    return clock.monotonic() + float(context.get_remaining_time_in_millis()) / 1000
