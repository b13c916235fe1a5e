"""What stands between a declared call and the network, in this process."""

from __future__ import annotations

from dataclasses import dataclass

from trunkline.clients.breaker import Breaker
from trunkline.clients.bulkhead import Bulkhead
from trunkline.clients.circuit import Circuit
from trunkline.clients.retries import RetryBudget

_guards: dict[tuple[str, Breaker, int], Guard] = {}
_budgets: dict[str, RetryBudget] = {}


@dataclass(frozen=True)
class Guard:
    """All calls that are declared alike share it."""

    circuit: Circuit
    bulkhead: Bulkhead
    budget: RetryBudget
    """That of the called service: an outage of one operation is often that of all."""


def guard_of(service: str, name: str, breaker: Breaker, concurrency: int) -> Guard:
    """The guard of a declared call.

    Args:
        service: the called one.
        name: of the called operation, ``service.operation``.
        breaker: its rule.
        concurrency: how many calls may run at once.
    """
    key = (name, breaker, concurrency)
    found = _guards.get(key)
    if found is None:
        budget = _budgets.setdefault(service, RetryBudget())
        made = Guard(_circuit(name, breaker), Bulkhead(name, concurrency), budget)
        found = _guards.setdefault(key, made)
    return found


def reset() -> None:
    """Forget what was learned of all called services, as a test does."""
    _guards.clear()
    _budgets.clear()


def _circuit(name: str, breaker: Breaker) -> Circuit:
    if not breaker.shared:
        return Circuit(name, breaker)
    from trunkline.clients.aws import DynamoCircuits

    return Circuit(name, breaker, store=DynamoCircuits())
