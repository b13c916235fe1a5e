"""Calls to other services, as a service's author sees them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, ParamSpec, TypeVar

from trunkline.clients.breaker import Breaker
from trunkline.contracts.api import Operation
from trunkline.errors import DeadlineExceeded, DeclarationError, TooManyRequests, Unavailable
from trunkline.invocation import Uses, require
from trunkline.manifest.model import CallNeed, Need, TableNeed

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F")

BREAKER = Breaker()
CIRCUITS = "circuits"
"""The table of circuits that a service's functions share."""
CONCURRENCY = 10
"""How many calls of one operation may run at once in a process, unless its declaration says."""


class Call(Generic[P, R]):
    """A typed call of another service's operation. Made by :meth:`trunkline.Service.calls`.

    Raises:
        NotFound, Conflict, TooManyRequests ...: the called service said so.
        Unavailable: it did not answer, or could not, and there is no fallback.
        CircuitOpen, BulkheadFull: kinds of Unavailable; it was not even asked.
        DeadlineExceeded: the running invocation has no time left for the call.
        CallRefused: it refuses us, or its answer does not fit the contract.
    """

    def __init__(
        self,
        operation: Operation[P, R],
        *,
        timeout: float,
        fallback: Callable[P, R] | None = None,
        breaker: Breaker = BREAKER,
        concurrency: int = CONCURRENCY,
    ) -> None:
        if timeout <= 0:
            raise DeclarationError(f"{operation!r}: a timeout is above 0 seconds, not {timeout!r}")
        if concurrency < 1:
            raise DeclarationError(f"{operation!r}: concurrency is at least 1, not {concurrency!r}")
        self.operation = operation
        self.timeout = timeout
        """Seconds for the whole call, its retries included; what is left of the invocation bounds
        it too."""
        self.fallback = fallback
        self.breaker = breaker
        self.concurrency = concurrency
        self.name = f"{operation.service}.{operation.name}"
        """``orders.get_order``: in traces, logs and the answer of a degraded service."""
        self.need = CallNeed(
            service=operation.service,
            route=operation.name,
            method=operation.method,
            path=operation.path,
        )

    def __repr__(self) -> str:
        return f"Call({self.operation!r})"

    def granted(self) -> Uses:
        """What a handler with this call may use."""
        needs: set[Need] = {self.need}
        if self.breaker.shared:
            needs |= {
                TableNeed(table=CIRCUITS, access="read"),
                TableNeed(table=CIRCUITS, access="write"),
            }
        return Uses(needs=frozenset(needs))

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the operation; its arguments are the contract's."""
        if self.fallback is None:
            return self._invoke(*args, **kwargs)
        return self.or_else(self.fallback)(*args, **kwargs)

    def or_else(self, fallback: Callable[P, F]) -> Callable[P, R | F]:
        """The same call with a fallback of this moment, which may use what the handler knows.

        Args:
            fallback: answers with the same arguments when the other service cannot; what it raises
                is the call's error.
        """

        def call(*args: P.args, **kwargs: P.kwargs) -> R | F:
            try:
                return self._invoke(*args, **kwargs)
            except (DeadlineExceeded, TooManyRequests, Unavailable) as problem:
                from trunkline.clients.invoke import degraded

                answer = fallback(*args, **kwargs)
                degraded(self, problem)
                return answer

        return call

    def _invoke(self, *args: P.args, **kwargs: P.kwargs) -> R:
        require(self.need)
        from trunkline.clients.invoke import invoke  # botocore is imported on first use only

        return invoke(self, self.operation.bind(args, kwargs))
