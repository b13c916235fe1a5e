"""How a declaration says when calls of an operation stop for a while."""

from __future__ import annotations

from dataclasses import dataclass

from trunkline.errors import DeclarationError


@dataclass(frozen=True)
class Breaker:
    """A circuit breaker: calls of an operation that mostly fail are not made for a while.

    The defaults suit most calls. Failures are attempts that the called service did not answer in
    time, or with 5xx or 429; any other answer, also a refusal, shows that it is well.
    """

    shared: bool = False
    """Whether all functions of the service see an open circuit, through a table of the service, and
    agree on one probe. Otherwise each process finds out for itself."""
    failure_rate: float = 0.5
    """The share of failed attempts that opens the circuit."""
    minimum: int = 10
    """Fewer attempts within the window never open it."""
    window: float = 30.0
    """The seconds within which attempts are counted."""
    pause: float = 5.0
    """The seconds for which the circuit stays open before one attempt may probe."""

    def __post_init__(self) -> None:
        if not 0 < self.failure_rate <= 1:
            raise DeclarationError(
                f"a breaker's failure_rate is above 0 and at most 1, not {self.failure_rate!r}"
            )
        for name, least in (("minimum", 1), ("window", 1), ("pause", 0.1)):
            value = getattr(self, name)
            if value < least:
                raise DeclarationError(f"a breaker's {name} is at least {least}, not {value!r}")
