"""Who calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal


@dataclass(frozen=True)
class Caller:
    """Who made a request. A handler gets it by a parameter of this type."""

    kind: Literal["service", "customer"]
    subject: str
    """A service's name, or a customer's Cognito ``sub``."""
    claims: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """A customer's verified claims, for example ``email``."""

    @classmethod
    def service(cls, name: str) -> Caller:
        """Another service, known by the role of its function."""
        return cls(kind="service", subject=name)

    @classmethod
    def customer(cls, subject: str, **claims: Any) -> Caller:
        """A signed-in customer."""
        return cls("customer", subject, MappingProxyType({"sub": subject, **claims}))
