"""Calls to other services, as a service's author sees them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, ParamSpec, TypeVar

from trunkline.contracts.api import Operation
from trunkline.errors import DeadlineExceeded, TooManyRequests, Unavailable
from trunkline.invocation import Uses, require
from trunkline.manifest.model import CallNeed

P = ParamSpec("P")
R = TypeVar("R")


class Call(Generic[P, R]):
    """A typed call of another service's operation. Made by :meth:`trunkline.Service.calls`.

    Raises:
        NotFound, Conflict, TooManyRequests ...: the called service said so.
        Unavailable: it did not answer, or could not, and there is no fallback.
        DeadlineExceeded: the running invocation has no time left for the call.
        CallRefused: it refuses us, or its answer does not fit the contract.
    """

    def __init__(
        self,
        operation: Operation[P, R],
        *,
        timeout: float,
        fallback: Callable[P, R] | None = None,
    ) -> None:
        self.operation = operation
        self.timeout = timeout
        """Seconds that the other service may take; what is left of the invocation bounds it too."""
        self.fallback = fallback
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
        return Uses(needs=frozenset({self.need}))

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the operation; its arguments are the contract's."""
        require(self.need)
        from trunkline.clients.http import invoke  # boto3 is imported on first use only

        arguments = self.operation.bind(args, kwargs)
        try:
            return invoke(self.operation, arguments, timeout=self.timeout)
        except (DeadlineExceeded, TooManyRequests, Unavailable):
            if self.fallback is None:
                raise
            return self.fallback(*args, **kwargs)
