"""How the services of one platform fit together: who publishes, who listens, who calls whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from trunkline.errors import (
    AmbiguousServiceName,
    CallCycle,
    DuplicateOwner,
    DuplicateService,
    GraphError,
    OrderMismatch,
    OverlappingRoutes,
    UnknownEvent,
    UnknownRoute,
    UnknownTask,
)
from trunkline.manifest.model import CallNeed, Manifest
from trunkline.manifest.overlaps import overlap


class Graph:
    """The services of one platform, by name. Build it with :func:`check`."""

    def __init__(self, manifests: Mapping[str, Manifest]) -> None:
        self._manifests = manifests

    def publisher_of(self, event: str) -> str:
        """The service that publishes the event, or another version of it.

        A subscription names every version that it accepts, also those that nobody publishes yet or
        any more, so that a publisher may go forward and back by itself.

        Raises:
            KeyError: nobody publishes any version.
        """
        wanted = _unversioned(event)
        for manifest in self._manifests.values():
            if wanted in map(_unversioned, manifest.publishes):
                return manifest.service
        raise KeyError(event)

    def subscribers_of(self, event: str) -> frozenset[tuple[str, str]]:
        """The ``(service, function)`` pairs that listen to the event."""
        return frozenset(
            (manifest.service, subscription.function)
            for manifest in self._manifests.values()
            for subscription in manifest.subscriptions
            if subscription.event == event
        )

    def callers_of(self, service: str) -> dict[str, set[tuple[str, str]]]:
        """Who calls a service: ``(service, function)`` pairs for every one of its routes."""
        api = self._manifests[service].api
        routes = api.routes if api else ()
        callers: dict[str, set[tuple[str, str]]] = {route.name: set() for route in routes}
        for manifest in self._manifests.values():
            for function, call in calls_of(manifest):
                if call.service == service:
                    callers[call.route].add((manifest.service, function))
        return callers

    def callees_of(self, service: str) -> frozenset[str]:
        """The services that a service calls."""
        return frozenset(call.service for _, call in calls_of(self._manifests[service]))


def calls_of(manifest: Manifest) -> Iterable[tuple[str, CallNeed]]:
    """The synchronous calls of a service, each with the function that makes it."""
    for function in manifest.functions:
        for need in function.needs:
            if isinstance(need, CallNeed):
                yield function.name, need


def check(manifests: Iterable[Manifest]) -> Graph:
    """Check that manifests fit together.

    Raises:
        GraphError: the first contradiction found; its subclass says which kind.
    """
    by_name: dict[str, Manifest] = {}
    for manifest in manifests:
        if manifest.service in by_name:
            raise DuplicateService(manifest.service)
        by_name[manifest.service] = manifest
    _check_names(by_name)
    _check_owners(by_name)
    _check_messages(by_name)
    for manifest in by_name.values():
        for _, call in calls_of(manifest):
            _check_call(manifest.service, call, by_name)
    graph = Graph(by_name)
    _check_overlaps(graph, by_name)
    _check_cycles(graph, by_name)
    return graph


def publisher_of(manifests: Iterable[Manifest], event: str) -> str:
    """The service that publishes the event in some version; :class:`KeyError` if nobody does."""
    return _graph(manifests).publisher_of(event)


def callers_of(manifests: Iterable[Manifest], service: str) -> dict[str, set[tuple[str, str]]]:
    """Who calls a service: ``(service, function)`` pairs for every one of its routes."""
    return _graph(manifests).callers_of(service)


def _graph(manifests: Iterable[Manifest]) -> Graph:
    return Graph({manifest.service: manifest for manifest in manifests})


def _check_names(manifests: Mapping[str, Manifest]) -> None:
    for name in sorted(manifests):
        for other in sorted(manifests):
            if other.startswith(f"{name}-"):
                raise AmbiguousServiceName(name, other)


def _check_owners(manifests: Mapping[str, Manifest]) -> None:
    owners: dict[str, str] = {}
    for manifest in manifests.values():
        for message in (*manifest.publishes, *manifest.accepts):
            first = owners.setdefault(message, manifest.service)
            if first != manifest.service:
                raise DuplicateOwner(message, first, manifest.service)


def _unversioned(wire_name: str) -> str:
    return wire_name.rpartition(".v")[0]


def _check_messages(manifests: Mapping[str, Manifest]) -> None:
    published = {event for manifest in manifests.values() for event in manifest.publishes}
    ordered = {event for manifest in manifests.values() for event in manifest.ordered}
    accepted = {task for manifest in manifests.values() for task in manifest.accepts}
    for manifest in manifests.values():
        functions = {function.name for function in manifest.functions}
        reached = {
            (subscription.function, _unversioned(subscription.event))
            for subscription in manifest.subscriptions
            if subscription.event in published
        }
        for subscription in manifest.subscriptions:
            if (subscription.function, _unversioned(subscription.event)) not in reached:
                raise UnknownEvent(manifest.service, subscription.event)
            if subscription.event in published and subscription.ordered != (
                subscription.event in ordered
            ):
                raise OrderMismatch(manifest.service, subscription.event)
            if subscription.function not in functions:
                raise GraphError(
                    f"service {manifest.service!r} subscribes with function "
                    f"{subscription.function!r}, which it does not have"
                )
        for function in manifest.functions:
            for message in function.emits:
                if message not in manifest.publishes and message not in accepted:
                    raise UnknownTask(manifest.service, message)


def _check_call(service: str, call: CallNeed, manifests: Mapping[str, Manifest]) -> None:
    callee = manifests.get(call.service)
    if callee is None:
        raise UnknownRoute(service, call.service, call.route, "there is no such service")
    if callee.api is None:
        raise UnknownRoute(service, call.service, call.route, "that service has no API")
    if callee.api.exposure == "public":
        raise UnknownRoute(service, call.service, call.route, "that API is for customers only")
    for route in callee.api.routes:
        if route.name == call.route:
            if (route.method, route.path) != (call.method, call.path):
                raise UnknownRoute(
                    service,
                    call.service,
                    call.route,
                    f"it is {route.method} {route.path}, not {call.method} {call.path}",
                )
            return
    raise UnknownRoute(service, call.service, call.route, "there is no such route")


def _check_overlaps(graph: Graph, manifests: Mapping[str, Manifest]) -> None:
    for service, manifest in manifests.items():
        if manifest.api is None or manifest.api.exposure == "public":
            continue
        found = overlap(manifest.api.routes, graph.callers_of(service))
        if found is not None:
            first, second = (f"{route.method} {route.path}" for route in found)
            raise OverlappingRoutes(service, first, second)


def _check_cycles(graph: Graph, manifests: Mapping[str, Manifest]) -> None:
    done: set[str] = set()

    def visit(service: str, way: tuple[str, ...]) -> None:
        if service in way:
            raise CallCycle((*way[way.index(service) :], service))
        if service in done:
            return
        for callee in sorted(graph.callees_of(service)):
            visit(callee, (*way, service))
        done.add(service)

    for service in sorted(manifests):
        visit(service, ())
