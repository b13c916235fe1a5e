"""What is agreed between the command and the process that makes the load, as JSON files."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = ["LoadPlan", "LoadResults", "OrderMade", "RequestStatistics"]


@dataclass(frozen=True)
class LoadPlan:
    """What to do."""

    cloud_url: str
    """Where customers sign in."""
    shop_url: str
    client_id: str
    customers: tuple[tuple[str, str], ...]
    """User names and passwords; the simulated users share them evenly."""
    users: int
    seconds: float

    def dump(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> LoadPlan:
        """From JSON."""
        content = json.loads(text)
        customers = tuple((name, password) for name, password in content.pop("customers"))
        return cls(customers=customers, **content)


@dataclass(frozen=True)
class OrderMade:
    """An order that the shop accepted."""

    order_id: str
    declined: bool
    """Whether it was paid with the card that is declined."""
    requests: int
    """How often it was sent, each time under the same key."""


@dataclass(frozen=True)
class RequestStatistics:
    """How one kind of request went."""

    name: str
    requests: int
    failures: int
    per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True)
class LoadResults:
    """What happened."""

    orders: tuple[OrderMade, ...]
    statistics: tuple[RequestStatistics, ...]
    errors: tuple[str, ...]
    """Failed requests, one text for each kind with its count."""

    @property
    def failures(self) -> int:
        """How many requests failed."""
        return sum(entry.failures for entry in self.statistics)

    @property
    def declines(self) -> int:
        """How many orders were paid with the card that is declined."""
        return sum(order.declined for order in self.orders)

    @property
    def repeated_keys(self) -> int:
        """How many orders were sent more than once under one key."""
        return sum(order.requests > 1 for order in self.orders)

    def write(self, path: Path) -> None:
        """Write them as JSON."""
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, path: Path) -> LoadResults:
        """Read what :meth:`write` wrote."""
        content: dict[str, Any] = json.loads(path.read_text())
        return cls(
            orders=tuple(OrderMade(**order) for order in content["orders"]),
            statistics=tuple(RequestStatistics(**entry) for entry in content["statistics"]),
            errors=tuple(content["errors"]),
        )
