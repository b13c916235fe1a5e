"""Who calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from trunkline.errors import NotFound
from trunkline.invocation import current
from trunkline.ownership import NOT_YOURS


@dataclass(frozen=True)
class Caller:
    """Who made a request. A handler gets it by a parameter of this type."""

    kind: Literal["service", "customer"]
    subject: str
    """A service's name, or a customer's Cognito ``sub``."""
    claims: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """A customer's verified claims, for example ``email``."""
    groups: frozenset[str] = frozenset()
    """The groups of the user pool that a customer is in."""
    scopes: frozenset[str] = frozenset()
    """The OAuth scopes of a customer's access token; an ID token has none."""

    @classmethod
    def service(cls, name: str) -> Caller:
        """Another service, known by the role of its function."""
        return cls(kind="service", subject=name)

    @classmethod
    def customer(
        cls, subject: str, *, groups: Iterable[str] = (), scopes: Iterable[str] = (), **claims: Any
    ) -> Caller:
        """A signed-in customer."""
        return cls(
            "customer",
            subject,
            MappingProxyType({"sub": subject, **claims}),
            frozenset(groups),
            frozenset(scopes),
        )

    def must_own(self, owner: str) -> None:
        """Check that something is this customer's. Ask before judging or changing the thing.

        A caller whom another rule of the handler's ``allow`` has admitted need not own it.

        Args:
            owner: the subject of the customer whom it belongs to.

        Raises:
            NotFound: it is not theirs, in the words for what does not exist.
        """
        invocation = current()
        ownership = invocation.ownership if invocation is not None else None
        asked = ownership is not None and ownership.caller is self
        if ownership is not None and asked and not ownership.needed:
            return
        if self.kind != "customer" or owner != self.subject:
            raise NotFound(NOT_YOURS)
        if ownership is not None and asked:
            ownership.show()
