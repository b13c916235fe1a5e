"""The declaration of one service."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Any, Generic, Literal, ParamSpec, TypeVar, overload

from pydantic import SecretStr

from trunkline.clients.breaker import Breaker
from trunkline.clients.call import BREAKER, CIRCUITS, CONCURRENCY, Call
from trunkline.clients.outbound import Outbound
from trunkline.contracts.api import IDEMPOTENCY_HEADER, Api, Operation
from trunkline.contracts.message import Event, Message, Task, message_type
from trunkline.contracts.model import Model
from trunkline.declaration.handlers import (
    ApiHandler,
    MessageHandler,
    RotationHandler,
    Use,
    checked_rule,
    checked_uses,
)
from trunkline.declaration.idempotent import Idempotent, idempotent
from trunkline.errors import DeclarationError
from trunkline.mail.sender import Mailer
from trunkline.manifest.model import Manifest
from trunkline.rotation.rotation import Rotation
from trunkline.rules import Rule
from trunkline.settings.secret import Secret
from trunkline.settings.setting import LiveSetting, Setting
from trunkline.tables.table import Table
from trunkline.tables.transaction import Transaction
from trunkline.telemetry.metrics import Unit
from trunkline.telemetry.own_metric import Metric

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
M = TypeVar("M", bound=Model)
E = TypeVar("E", bound=Event)
T = TypeVar("T", bound=Task)
V = TypeVar("V")

MAX_RECEIVES = 5
"""How often a message is tried by default before it is dead-lettered."""
TIMEOUT_SECONDS = 10
"""How long a function may run by default. Queues hide a message for six times as long, so a small
value also means a quick next try after a crash
(https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html)."""

ROTATION_TIMEOUT_SECONDS = 30
"""How long a step of a rotation may take by default; nobody waits for it."""

RESERVED_TABLES = frozenset({"outbox", "idempotency", CIRCUITS})
"""Tables that the runtime declares by itself."""


class Implementing(Generic[R]):
    """The decorator that :meth:`Service.implements` returns: it leaves the function as it is."""

    def __init__(self, register: Callable[[Callable[..., R]], None]) -> None:
        self._register = register

    def __call__(self, handler: Callable[Q, R]) -> Callable[Q, R]:
        """Register the function."""
        self._register(handler)
        return handler


class Service:
    """What one service needs and does; everything else derives from it.

    Args:
        name: lower-case words joined by hyphens.
        exposure: ``public`` for an API that customers call after signing in, else ``private``:
            other services call it, signed with IAM.
        timeout: seconds that one API call may take.
        memory_mb: the memory of each function.
        entry: where this object is, ``package.module:attribute``, when that is not the module that
            creates it (a package may import handlers of several modules in another one).
    """

    def __init__(
        self,
        name: str,
        *,
        exposure: Literal["private", "public"] = "private",
        timeout: int = TIMEOUT_SECONDS,
        memory_mb: int = 512,
        entry: str | None = None,
    ) -> None:
        self.name = name
        self.exposure: Literal["private", "public"] = exposure
        self.timeout = timeout
        self.memory_mb = memory_mb
        self.tables: dict[str, Table[Any]] = {}
        self.settings: dict[str, Setting[Any]] = {}
        self.secrets: dict[str, Secret[Any]] = {}
        self.metrics: dict[str, Metric] = {}
        self.api: type[Api] | None = None
        self.api_handlers: dict[str, ApiHandler] = {}
        """By the operation's name."""
        self.event_handlers: dict[str, MessageHandler] = {}
        """By the function's name."""
        self.task_handlers: dict[str, MessageHandler] = {}
        """By the task's wire name."""
        self.rotations: dict[str, RotationHandler] = {}
        """By the secret's name."""
        self._entry = entry
        self._module: str = sys._getframe(1).f_globals["__name__"]

    def __repr__(self) -> str:
        return f"Service({self.name!r})"

    @property
    def entry(self) -> str:
        """Where this object is: ``package.module:attribute``.

        Raises:
            DeclarationError: the module that created it does not hold it.
        """
        if self._entry is not None:
            return self._entry
        for attribute, value in vars(sys.modules[self._module]).items():
            if value is self:
                return f"{self._module}:{attribute}"
        raise DeclarationError(f"{self!r} is no attribute of module {self._module}; say entry=")

    def table(
        self,
        name: str,
        model: type[M],
        *,
        key: str,
        sort: str | None = None,
        ttl: str | None = None,
        encrypted: Sequence[str] = (),
    ) -> Table[M]:
        """A table of this service.

        Args:
            name: lower-case words joined by hyphens.
            model: what its items are.
            key: the field that is the partition key; a string.
            sort: the field that is the sort key, if it has one; a string.
            ttl: the field that says when an item may vanish, in seconds since 1970.
            encrypted: the fields that only this service's functions can read, whoever else may read
                the table; needs ``trunkline[encryption]``.
        """
        if name in RESERVED_TABLES:
            raise DeclarationError(f"table {name!r} is the runtime's own; choose another name")
        self._fresh("table", name, self.tables)
        self.tables[name] = Table(
            self.name, name, model, key=key, sort=sort, ttl=ttl, encrypted=encrypted
        )
        return self.tables[name]

    def transaction(self) -> Transaction:
        """Write several records, of several tables, and emit: all of it or nothing."""
        return Transaction(self.name)

    @overload
    def setting(
        self, name: str, *, description: str, default: str | None = None, live: bool = False
    ) -> Setting[str]: ...

    @overload
    def setting(
        self,
        name: str,
        *,
        type: type[V],
        description: str,
        default: V | None = None,
        live: bool = False,
    ) -> Setting[V]: ...

    @overload
    def setting(
        self, name: str, *, type: Any, description: str, default: Any = None, live: bool = False
    ) -> Setting[Any]: ...

    def setting(
        self,
        name: str,
        *,
        description: str,
        type: Any = str,  # noqa: A002 - what it is called everywhere else
        default: Any = None,
        live: bool = False,
    ) -> Setting[Any]:
        """A value that differs per environment and is no secret.

        Args:
            name: lower-case words joined by hyphens.
            description: what it decides, and its unit.
            type: what values are allowed: anything that pydantic validates.
            default: without one, an environment that gives no value cannot be planned.
            live: operators change it without a release, as an SSM parameter; it needs a default,
                which the parameter begins with. Other settings change with the next apply.
        """
        self._fresh("setting", name, self.settings)
        if live and default is None:
            raise DeclarationError(f"live setting {name!r} needs a default to begin with")
        kind = LiveSetting if live else Setting
        self.settings[name] = kind(name, description, type, default)
        return self.settings[name]

    @overload
    def secret(self, name: str, *, description: str) -> Secret[SecretStr]: ...

    @overload
    def secret(self, name: str, *, type: type[V], description: str) -> Secret[V]: ...

    def secret(
        self,
        name: str,
        *,
        description: str,
        type: Any = SecretStr,  # noqa: A002 - what it is called everywhere else
    ) -> Secret[Any]:
        """A secret; its value is written to Secrets Manager by hand, never by Terraform.

        Args:
            name: lower-case words joined by hyphens.
            description: whose it is and what it opens.
            type: :class:`pydantic.SecretStr`, or a model with such fields for a JSON secret.
        """
        self._fresh("secret", name, self.secrets)
        self.secrets[name] = Secret(name, description, type)
        return self.secrets[name]

    def metric(self, name: str, *, unit: Unit = "Count") -> Metric:
        """A number that is watched, beside those that every handler has.

        Args:
            name: words in snake case; one series per handler, so never made of data.
            unit: CloudWatch's; those of ``Count`` are summed over an invocation.
        """
        self._fresh("metric", name, self.metrics)
        self.metrics[name] = Metric(name, unit)
        return self.metrics[name]

    def outbound(self, host: str) -> Outbound:
        """A host on the internet; only functions whose handlers name it get a way out."""
        return Outbound(host)

    def email(self, sender: str) -> Mailer:
        """An address that e-mail is sent from."""
        return Mailer(sender)

    def calls(
        self,
        operation: Operation[P, R],
        *,
        timeout: float = 1.0,
        fallback: Callable[P, R] | None = None,
        breaker: Breaker = BREAKER,
        concurrency: int = CONCURRENCY,
    ) -> Call[P, R]:
        """A typed call of another service's operation.

        A query, or a command with an idempotency key, that fails for want of an answer is tried
        again, up to three times within the timeout, while few calls fail.

        Args:
            operation: the operation, from the other service's contract.
            timeout: seconds for the whole call, retries included, at most what is left of the
                running invocation.
            fallback: answers with the same arguments when the other service cannot.
            breaker: when the operation is not called for a while.
            concurrency: how many calls may run at once in a process; further ones fail at once.
        """
        if operation.service == self.name:
            raise DeclarationError(f"{self!r} calls its own {operation!r}; call the function")
        return Call(
            operation,
            timeout=timeout,
            fallback=fallback,
            breaker=breaker,
            concurrency=concurrency,
        )

    def implements(
        self,
        operation: Operation[..., R],
        *,
        allow: Rule | None = None,
        idempotency: str | Idempotent | None = None,
        uses: Sequence[Use] = (),
    ) -> Implementing[R]:
        """The decorated function does what an operation of this service's API promises.

        Its parameters are the operation's, by name, and those of type :class:`trunkline.Caller` and
        :data:`trunkline.types.IdempotencyKey`.

        Args:
            operation: of this service's own contract.
            allow: who may call, see :mod:`trunkline.rules`. A public API must say; a private one
                is open to every service that declares the call, unless it says otherwise.
            idempotency: the header that carries the key, ``Idempotency-Key``; callers must then
                send it, and a repeated request gets the first one's response. Or
                :func:`trunkline.idempotent`, to say which fields count and for how long.
            uses: everything that the function touches; its role gets exactly that.
        """
        if isinstance(idempotency, str):
            if idempotency != IDEMPOTENCY_HEADER:
                raise DeclarationError(f"the idempotency header is called {IDEMPOTENCY_HEADER!r}")
            idempotency = idempotent()
        if idempotency is not None:
            idempotency.check(operation, timeout=self.timeout)

        def register(handler: Callable[..., R]) -> None:
            api = operation.api
            if operation.service != self.name:
                raise DeclarationError(f"{operation!r} is {operation.service}'s, not {self.name}'s")
            if self.api not in (None, api):
                raise DeclarationError(f"{self!r} implements two APIs: {self.api} and {api}")
            self._fresh("operation", operation.name, self.api_handlers)
            self.api = api
            name = handler.__name__
            self.api_handlers[operation.name] = ApiHandler(
                call=handler,
                declared=checked_uses(name, self.name, uses),
                operation=operation,
                idempotency=idempotency,
                allow=checked_rule(name, self.exposure, allow),
            )

        return Implementing(register)

    def reacts_to(
        self,
        event: type[E],
        *,
        uses: Sequence[Use] = (),
        timeout: int = TIMEOUT_SECONDS,
        max_receives: int = MAX_RECEIVES,
        stale: Literal["process", "ignore"] = "process",
    ) -> Callable[[Callable[[E], None]], Callable[[E], None]]:
        """The decorated function reacts to an event, once: own queue, own dead-letter queue.

        Args:
            event: from its publisher's contract; older versions that the contract has an upcaster
                for are accepted, too. The queue is the same for every version.
            uses: everything that the function touches.
            timeout: seconds for a batch of messages.
            max_receives: how often a message is tried before it is dead-lettered.
            stale: ``ignore`` to pass over an event that comes after a newer one about the same
                record of its publisher; events about one record are then handled one at a time.
        """
        function = f"on-{message_type(event).name.replace('_', '-')}"

        def register(handler: Callable[[E], None]) -> Callable[[E], None]:
            self._fresh("function", function, self.event_handlers)
            self.event_handlers[function] = self._message_handler(
                handler, event, uses, function, timeout, max_receives, stale
            )
            return handler

        return register

    def performs(
        self,
        task: type[T],
        *,
        uses: Sequence[Use] = (),
        timeout: int = TIMEOUT_SECONDS,
        max_receives: int = MAX_RECEIVES,
    ) -> Callable[[Callable[[T], None]], Callable[[T], None]]:
        """The decorated function performs a task of this service's own contract.

        All tasks of a service share one queue and one function; the longest timeout and the
        greatest number of receives count. Older versions of the task that the contract has an
        upcaster for are accepted, too.
        """
        kind = message_type(task)
        if kind.service != self.name:
            raise DeclarationError(f"{kind.wire_name} is {kind.service}'s task, not {self.name}'s")

        def register(handler: Callable[[T], None]) -> Callable[[T], None]:
            found = self._message_handler(handler, task, uses, "tasks", timeout, max_receives)
            known = {
                name: known for known in self.task_handlers.values() for name in known.accepted
            }
            for name in found.accepted:
                self._fresh("task", name, known)
            self.task_handlers[kind.wire_name] = found
            return handler

        return register

    def rotates(
        self,
        secret: Secret[V],
        *,
        schedule: str = "rate(30 days)",
        uses: Sequence[Use] = (),
        timeout: int = ROTATION_TIMEOUT_SECONDS,
    ) -> Callable[[type[Rotation[V]]], type[Rotation[V]]]:
        """The decorated class rotates a secret: a :class:`trunkline.rotation.Rotation`.

        It runs in a function of its own, which alone may write the secret. Nothing is rotated
        before the secret has a first value, which people write.

        Args:
            secret: of this service.
            schedule: ``rate(30 days)`` or ``cron(0 4 1 * ? *)``, every four hours at most
                (https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_schedule.html).
            uses: everything that its methods touch beside the secret, whose values they are given.
            timeout: seconds for each of the four steps.
        """

        def register(rotation: type[Rotation[V]]) -> type[Rotation[V]]:
            if self.secrets.get(secret.name) is not secret:
                raise DeclarationError(f"{self!r} rotates {secret!r}, which is not its own")
            if inspect.isabstract(rotation):
                missing = ", ".join(sorted(rotation.__abstractmethods__))
                raise DeclarationError(f"rotation {rotation.__name__!r} lacks {missing}")
            self._fresh("rotation", secret.name, self.rotations)
            self.rotations[secret.name] = RotationHandler(
                call=rotation,
                declared=checked_uses(rotation.__name__, self.name, uses),
                secret=secret,
                schedule=schedule,
                timeout=timeout,
            )
            return rotation

        return register

    def manifest(self) -> Manifest:
        """What the platform needs to know of this service.

        Raises:
            DeclarationError: the declaration contradicts itself.
        """
        from trunkline.declaration.manifest_of import manifest_of  # running functions need it not

        return manifest_of(self)

    def _message_handler(
        self,
        handler: Callable[..., None],
        message: type[Message],
        uses: Sequence[Use],
        function: str,
        timeout: int,
        max_receives: int,
        stale: Literal["process", "ignore"] = "process",
    ) -> MessageHandler:
        name = handler.__name__
        if len(inspect.signature(handler).parameters) != 1:
            raise DeclarationError(f"handler {name!r} takes one argument, the {message.__name__}")
        return MessageHandler(
            call=handler,
            declared=checked_uses(name, self.name, uses),
            message=message,
            function=function,
            timeout=timeout,
            max_receives=max_receives,
            stale=stale,
        )

    def _fresh(self, kind: str, name: str, known: dict[str, Any]) -> None:
        if name in known:
            raise DeclarationError(f"{self!r} declares {kind} {name!r} twice")
