"""Which Terraform roots there are, and in which order they can be applied."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from trunkline.manifest import Manifest, check
from trunkline_platform.errors import ReservedServiceName

__all__ = ["EDGE", "FOUNDATION", "MESSAGING", "NETWORK", "Root", "roots"]

NETWORK = "network"
FOUNDATION = "foundation"
MESSAGING = "messaging"
EDGE = "edge"

_PLATFORM_ROOTS = frozenset((NETWORK, FOUNDATION, MESSAGING, EDGE))


@dataclass(frozen=True)
class Root:
    """One Terraform root module with a state of its own."""

    name: str
    """Also its folder: ``terraform/<environment>/<name>``."""

    depends_on: tuple[str, ...]
    """The roots that must have been applied before, sorted; side by side otherwise."""


def roots(manifests: Iterable[Manifest]) -> tuple[Root, ...]:
    """All roots, each after those that it depends on.

    A service's root comes after the roots of the services that it calls, because the permission to
    call a private API names the API's id; a public service's root also comes after ``edge``, whose
    API it admits. Everything else is side by side.

    Raises:
        trunkline.manifest.GraphError: the manifests do not fit together.
        ReservedServiceName: a service is called like a root of the platform.
    """
    services = tuple(manifests)
    graph = check(services)
    for manifest in services:
        if manifest.service in _PLATFORM_ROOTS:
            raise ReservedServiceName(manifest.service)

    found = [
        Root(FOUNDATION, ()),
        Root(NETWORK, ()),
        Root(EDGE, (FOUNDATION,)),
        Root(MESSAGING, ()),
    ]
    public = {m.service for m in services if m.api is not None and m.api.exposure == "public"}
    waiting = {manifest.service: graph.callees_of(manifest.service) for manifest in services}
    placed: set[str] = set()
    while waiting:
        ready = sorted(name for name, callees in waiting.items() if callees <= placed)
        for name in ready:
            before = {FOUNDATION, NETWORK, MESSAGING, *waiting.pop(name)}
            found.append(Root(name, tuple(sorted(before | ({EDGE} if name in public else set())))))
        placed.update(ready)
    return tuple(found)
