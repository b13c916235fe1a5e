"""From a service's declaration to its manifest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pydantic import ValidationError

from trunkline.clients.call import CIRCUITS
from trunkline.contracts.api import operations
from trunkline.contracts.message import MessageType, message_type
from trunkline.declaration.handlers import ApiHandler, Handler, MessageHandler, RotationHandler
from trunkline.errors import DeclarationError
from trunkline.manifest.model import (
    Api,
    CallNeed,
    EgressNeed,
    EmailNeed,
    EncryptNeed,
    Function,
    Manifest,
    Need,
    PayloadNeed,
    PublishNeed,
    RotateNeed,
    Route,
    Secret,
    SecretNeed,
    SendNeed,
    Setting,
    SettingNeed,
    Subscription,
    Table,
    TableNeed,
)

if TYPE_CHECKING:
    from trunkline.declaration.service import Service

OUTBOX = Table(name="outbox", partition_key="lane", sort_key="place", stream=True)
"""Where events and tasks wait until the relay has published them."""
IDEMPOTENCY = Table(name="idempotency", partition_key="id", ttl_attribute="expires_at")
"""Which requests and messages are being, or have been, dealt with."""
SHARED_CIRCUITS = Table(name=CIRCUITS, partition_key="id", ttl_attribute="expires_at")
"""Which operations of other services are not called just now."""
RELAY_TIMEOUT_SECONDS = 60
"""Long enough for a sweep to get through some thousand items that were left behind."""

_LOCKS: tuple[Need, ...] = (
    TableNeed(table=IDEMPOTENCY.name, access="read"),
    TableNeed(table=IDEMPOTENCY.name, access="write"),
)


def manifest_of(service: Service) -> Manifest:
    """The manifest of a service.

    Raises:
        DeclarationError: the declaration contradicts itself.
    """
    handlers: list[Handler] = [
        *service.api_handlers.values(),
        *service.event_handlers.values(),
        *service.task_handlers.values(),
        *service.rotations.values(),
    ]
    if not handlers:
        raise DeclarationError(f"{service!r} does nothing: it has no handler")
    emitted = sorted(
        {kind for h in handlers for kind in _types(h)}, key=lambda kind: kind.wire_name
    )
    events = [kind for kind in emitted if kind.kind == "event"]
    targets = sorted({kind.service for kind in emitted if kind.kind == "task"})
    locks = any(isinstance(h, MessageHandler) for h in handlers) or any(
        h.idempotent for h in service.api_handlers.values()
    )
    circuits = any(
        isinstance(need, TableNeed) and need.table == CIRCUITS
        for handler in handlers
        for need in handler.uses.needs
    )
    functions = list(_functions(service))
    if emitted:
        functions.append(_relay(service, events, targets))
    try:
        return Manifest(
            service=service.name,
            entry=service.entry,
            api=_api(service),
            publishes=tuple(kind.wire_name for kind in events),
            ordered=tuple(kind.wire_name for kind in events if kind.ordered),
            accepts=tuple(
                sorted(name for h in service.task_handlers.values() for name in h.accepted)
            ),
            subscriptions=tuple(
                Subscription(
                    function=function, event=name, ordered=message_type(handler.message).ordered
                )
                for function, handler in sorted(service.event_handlers.items())
                for name in sorted(handler.accepted)
            ),
            tables=(
                *(
                    Table(
                        name=table.name,
                        partition_key=table.key,
                        sort_key=table.sort,
                        ttl_attribute=table.ttl,
                    )
                    for table in service.tables.values()
                ),
                *((IDEMPOTENCY,) if locks else ()),
                *((SHARED_CIRCUITS,) if circuits else ()),
                *((OUTBOX,) if emitted else ()),
            ),
            settings=tuple(
                Setting(
                    name=setting.name,
                    description=setting.description,
                    default=setting.default_text(),
                    live=setting.live,
                )
                for setting in service.settings.values()
            ),
            secrets=tuple(
                Secret(
                    name=secret.name,
                    description=secret.description,
                    rotation=rotation.schedule
                    if (rotation := service.rotations.get(secret.name))
                    else None,
                )
                for secret in service.secrets.values()
            ),
            functions=tuple(functions),
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise DeclarationError(
            f"{service!r}: {field}: {first['msg']}: {first['input']!r}"
        ) from error


def _api(service: Service) -> Api | None:
    if service.api is None:
        return None
    for operation in operations(service.api):
        handler = service.api_handlers.get(operation.name)
        if handler is None:
            raise DeclarationError(f"{service!r} does not implement {operation!r}")
        _ = handler.injected  # raises if the signature does not fit the operation
    return Api(
        version=service.api.__version__,
        exposure=service.exposure,
        routes=tuple(
            Route(
                name=o.name,
                method=o.method,
                path=o.path,
                kind=o.kind,
                scopes=tuple(sorted(service.api_handlers[o.name].allow.scopes)) or None,
            )
            for o in operations(service.api)
        ),
    )


def _functions(service: Service) -> Iterable[Function]:
    if service.api_handlers:
        handlers = tuple(service.api_handlers.values())
        yield Function(
            name="api",
            trigger="api",
            handler="trunkline.entrypoints.api",
            timeout_seconds=service.timeout,
            memory_mb=service.memory_mb,
            settings=_settings(handlers),
            emits=_emits(handlers),
            needs=_needs(handlers),
        )
    for name, handler in sorted(service.event_handlers.items()):
        yield Function(
            name=name,
            trigger="event",
            handler="trunkline.entrypoints.event",
            timeout_seconds=handler.timeout,
            memory_mb=service.memory_mb,
            max_receives=handler.max_receives,
            settings=_settings([handler]),
            emits=_emits([handler]),
            needs=_needs([handler]),
        )
    if service.task_handlers:
        tasks = tuple(service.task_handlers.values())
        yield Function(
            name="tasks",
            trigger="tasks",
            handler="trunkline.entrypoints.tasks",
            timeout_seconds=max(handler.timeout for handler in tasks),
            memory_mb=service.memory_mb,
            max_receives=max(handler.max_receives for handler in tasks),
            settings=_settings(tasks),
            emits=_emits(tasks),
            needs=_needs(tasks),
        )

    for rotation in service.rotations.values():
        yield Function(
            name=rotation.function,
            trigger="rotation",
            handler="trunkline.entrypoints.rotation",
            timeout_seconds=rotation.timeout,
            memory_mb=service.memory_mb,
            settings=_settings([rotation]),
            emits=_emits([rotation]),
            needs=_needs([rotation]),
        )


def _relay(service: Service, events: Sequence[MessageType], targets: Sequence[str]) -> Function:
    return Function(
        name="relay",
        trigger="relay",
        handler="trunkline.entrypoints.relay",
        timeout_seconds=RELAY_TIMEOUT_SECONDS,
        memory_mb=service.memory_mb,
        needs=_sorted(
            (
                TableNeed(table=OUTBOX.name, access="read"),
                TableNeed(table=OUTBOX.name, access="write"),
                *{PublishNeed(ordered=kind.ordered) for kind in events},
                *(SendNeed(service=target) for target in targets),
            )
        ),
    )


def _types(handler: Handler) -> Iterable[MessageType]:
    return (message_type(message) for message in handler.emits)


def _settings(handlers: Sequence[Handler]) -> tuple[str, ...]:
    return tuple(sorted({name for handler in handlers for name in handler.uses.settings}))


def _emits(handlers: Sequence[Handler]) -> tuple[str, ...]:
    return tuple(sorted({name for handler in handlers for name in handler.uses.emits}))


def _needs(handlers: Sequence[Handler]) -> tuple[Need, ...]:
    needs: set[Need] = set()
    for handler in handlers:
        needs |= handler.uses.needs
        if isinstance(handler, MessageHandler) or (
            isinstance(handler, ApiHandler) and handler.idempotent
        ):
            needs.update(_LOCKS)
        if isinstance(handler, RotationHandler):
            needs.add(RotateNeed(secret=handler.secret.name))
        if handler.emits:
            needs.add(TableNeed(table=OUTBOX.name, access="write"))
        needs.update(_payloads(handler))
    return _sorted(needs)


def _payloads(handler: Handler) -> Iterable[Need]:
    for kind in _types(handler):
        if kind.large:
            yield PayloadNeed(message=kind.wire_name, access="write")
    if isinstance(handler, MessageHandler):
        for name, version in handler.accepted.items():
            if message_type(version.message).large:
                yield PayloadNeed(message=name, access="read")


def _sorted(needs: Iterable[Need]) -> tuple[Need, ...]:
    return tuple(sorted(needs, key=_order))


def _order(need: Need) -> tuple[str, ...]:
    match need:
        case TableNeed() | EncryptNeed():
            return (need.kind, need.table, need.access)
        case SecretNeed() | RotateNeed():
            return (need.kind, need.secret)
        case SettingNeed():
            return (need.kind, need.setting)
        case CallNeed():
            return (need.kind, need.service, need.route)
        case SendNeed():
            return (need.kind, need.service)
        case PayloadNeed():
            return (need.kind, need.message, need.access)
        case EmailNeed():
            return (need.kind, need.sender)
        case EgressNeed():
            return (need.kind, need.host)
        case PublishNeed():
            return (need.kind, str(need.ordered))
