"""Everything this package raises.

PlatformError
├── UnknownEnvironment     no settings file of that name
├── SettingsError          an environment's settings contradict a manifest
├── ReservedServiceName    a service is called like one of the platform's own roots
├── TooLong                a name is longer than AWS allows
└── RouteClash             two public services offer the same route
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = [
    "PlatformError",
    "ReservedServiceName",
    "RouteClash",
    "SettingsError",
    "TooLong",
    "UnknownEnvironment",
]


class PlatformError(Exception):
    """The root of this package's errors."""


class UnknownEnvironment(PlatformError):
    """There are no settings for an environment of that name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        self.name = name
        self.known = tuple(known)
        super().__init__(f"unknown environment {name!r}; known: {', '.join(self.known)}")


class SettingsError(PlatformError):
    """An environment's settings name something that the manifests do not have."""

    def __init__(self, environment: str, field: str, reason: str) -> None:
        self.environment = environment
        self.field = field
        self.reason = reason
        super().__init__(f"settings of environment {environment!r}: {field} {reason}")


class ReservedServiceName(PlatformError):
    """A service is called like a root of the platform, so their folders would be one."""

    def __init__(self, service: str) -> None:
        self.service = service
        super().__init__(
            f"a service must not be called {service!r}: the platform has a root so named"
        )


class TooLong(PlatformError):
    """A physical name is longer than AWS allows."""

    def __init__(self, kind: str, name: str, limit: int) -> None:
        self.kind = kind
        self.name = name
        self.limit = limit
        super().__init__(f"{kind} name {name!r} has {len(name)} characters, AWS allows {limit}")


class RouteClash(PlatformError):
    """Two public services offer the same method and path; the public API is one."""

    def __init__(self, method: str, path: str, services: tuple[str, str]) -> None:
        self.method = method
        self.path = path
        self.services = services
        super().__init__(f"{method} {path} is offered publicly by both {' and '.join(services)}")
