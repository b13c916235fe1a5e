"""Faults for a service under test: AWS says no, does not answer, or the process dies."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from enum import Enum
from typing import Any

from botocore.exceptions import ReadTimeoutError

from trunkline.aws import clients, dynamodb
from trunkline.errors import AwsError
from trunkline.manifest import names
from trunkline.tables import Table

_WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem")
_READS = ("GetItem", "Query", "BatchGetItem")
_PUBLISHES = (("sns", "PublishBatch"), ("sqs", "SendMessageBatch"))


class Failure(Enum):
    """What becomes of a request to AWS."""

    THROTTLED = "throttled"
    """AWS refuses it, and all of the SDK's own retries; nothing happens."""
    CONFLICT = "conflict"
    """Somebody else writes the same items at this moment; nothing happens."""
    NO_ANSWER = "no answer"
    """It has its effect, but the answer gets lost."""
    CRASH_BEFORE = "crash before"
    """The process dies before the request; nothing happens."""
    CRASH_AFTER = "crash after"
    """The process dies after the request: it has its effect."""


class Crashed(BaseException):
    """The function's process dies: no code of ours sees it, as none sees a real death."""


@dataclass
class _Fault:
    service: str
    operations: tuple[str, ...]
    resource: str | None
    failure: Failure
    times: int


class Faults:
    """The faults that wait for the requests of one service under test."""

    def __init__(self, environment: str, service: str) -> None:
        self._environment = environment
        self._service = service
        self._waiting: list[_Fault] = []
        self._watched = ExitStack()
        self._services: set[str] = set()

    def write(self, table: Table[Any] | str, failure: Failure, *, times: int = 1) -> None:
        """The next writes of a table fail, also inside a transaction.

        Args:
            table: the service's own, or the name of one of the runtime's: ``idempotency``,
                ``outbox``.
            failure: how.
            times: how many of them.
        """
        self._inject("dynamodb", _WRITES, self._physical(table), failure, times)

    def read(self, table: Table[Any] | str, failure: Failure, *, times: int = 1) -> None:
        """The next reads of a table fail."""
        self._inject("dynamodb", _READS, self._physical(table), failure, times)

    def publish(self, failure: Failure, *, times: int = 1) -> None:
        """The next batches that the relay sends, of events or of tasks, fail."""
        for service, operation in _PUBLISHES:
            self._inject(service, (operation,), None, failure, times)

    def close(self) -> None:
        """Let everything work again."""
        self._waiting.clear()
        self._watched.close()
        self._services.clear()

    def _physical(self, table: Table[Any] | str) -> str:
        name = table if isinstance(table, str) else table.name
        return names.table(self._environment, self._service, name)

    def _inject(
        self,
        service: str,
        operations: Iterable[str],
        resource: str | None,
        failure: Failure,
        times: int,
    ) -> None:
        if service not in self._services:
            self._services.add(service)
            (self._watch_dynamodb if service == dynamodb.SERVICE else self._watch)(service)
        self._waiting.append(_Fault(service, tuple(operations), resource, failure, times))

    def _watch_dynamodb(self, service: str) -> None:
        """Wrap the runtime's own client, outside of its retries."""
        client = clients.client(service)
        call = client._call

        def failing(operation: str, request: dict[str, Any]) -> Any:
            fault = self._strikes(service, operation, json.dumps(request, default=repr))
            if fault is None:
                return call(operation, request)
            match fault.failure:
                case Failure.CRASH_BEFORE:
                    raise Crashed
                case Failure.THROTTLED:
                    raise AwsError(service, operation, "ThrottlingException", _WHY, status=400)
                case Failure.CONFLICT if operation == "TransactWriteItems":
                    reasons = {"CancellationReasons": [{"Code": "TransactionConflict"}]}
                    code = "TransactionCanceledException"
                    raise AwsError(service, operation, code, _WHY, status=400, fields=reasons)
                case Failure.CONFLICT:
                    code = "TransactionConflictException"
                    raise AwsError(service, operation, code, _WHY, status=400)
            call(operation, request)
            if fault.failure is Failure.CRASH_AFTER:
                raise Crashed
            raise AwsError(service, operation, "Unreachable", _WHY)

        client._call = failing
        self._watched.callback(setattr, client, "_call", call)

    def _watch(self, service: str) -> None:
        """Listen to botocore's events, outside of its retries."""
        events = clients.client(service).meta.events
        for name, listener in (("before-call", self._before), ("after-call", self._after)):
            events.register(f"{name}.{service}", listener)
            self._watched.callback(events.unregister, f"{name}.{service}", listener)

    def _before(self, model: Any, params: Any, context: Any, **_: Any) -> Any:
        service = model.service_model.service_name
        fault = self._strikes(service, model.name, str(params.get("body", "")))
        if fault is None:
            return None
        match fault.failure:
            case Failure.CRASH_BEFORE:
                raise Crashed
            case Failure.THROTTLED | Failure.CONFLICT:
                return _refusal(400, "ThrottlingException")
        context[_PENDING] = fault.failure
        return None

    def _after(self, context: Any, **_: Any) -> None:
        match context.pop(_PENDING, None):
            case Failure.CRASH_AFTER:
                raise Crashed
            case Failure.NO_ANSWER:
                raise ReadTimeoutError(endpoint_url="https://aws.example", error="lost")

    def _strikes(self, service: str, operation: str, body: str) -> _Fault | None:
        for fault in self._waiting:
            if (
                fault.service == service
                and operation in fault.operations
                and (fault.resource is None or f'"{fault.resource}"' in body)
            ):
                fault.times -= 1
                if fault.times == 0:
                    self._waiting.remove(fault)
                return fault
        return None


_PENDING = "trunkline_fault"
_WHY = "injected by the test"


class _Refused:
    """As much of an HTTP response as botocore looks at."""

    def __init__(self, status: int) -> None:
        self.status_code = status


def _refusal(status: int, code: str) -> tuple[_Refused, dict[str, Any]]:
    return _Refused(status), {"Error": {"Code": code, "Message": _WHY}, "ResponseMetadata": {}}
