"""Terraform's machine-readable output, line by line.

The format: https://developer.hashicorp.com/terraform/internals/machine-readable-ui
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

__all__ = [
    "ChangeSummary",
    "Diagnostic",
    "Event",
    "PlannedChange",
    "ResourceEvent",
    "parse_event",
]


@dataclass(frozen=True)
class ResourceEvent:
    """A resource starts, goes on, ends or fails."""

    phase: Literal["start", "progress", "complete", "errored"]
    action: str
    """``create``, ``read``, ``update``, ``delete`` or ``replace``."""
    address: str
    seconds: float = 0.0
    """How long it has taken so far."""


@dataclass(frozen=True)
class PlannedChange:
    """A plan wants to change a resource."""

    action: str
    address: str


@dataclass(frozen=True)
class ChangeSummary:
    """How many resources a plan would change, or an apply changed."""

    operation: str
    """``plan``, ``apply`` or ``destroy``."""
    add: int
    change: int
    remove: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.add + self.change + self.remove


@dataclass(frozen=True)
class Diagnostic:
    """A warning or an error."""

    severity: str
    summary: str
    detail: str = ""
    address: str | None = None

    @property
    def text(self) -> str:
        """All of it on one line."""
        where = f" ({self.address})" if self.address else ""
        detail = f": {' '.join(self.detail.split())}" if self.detail else ""
        return f"{self.summary}{where}{detail}"


Event = ResourceEvent | PlannedChange | ChangeSummary | Diagnostic

_PHASES: dict[str, Literal["start", "progress", "complete", "errored"]] = {
    "apply_start": "start",
    "apply_progress": "progress",
    "apply_complete": "complete",
    "apply_errored": "errored",
}


def parse_event(line: str) -> Event | None:
    """What one line of output says, or None when it says nothing of interest."""
    try:
        message = json.loads(line)
    except ValueError:
        return None
    if not isinstance(message, dict):
        return None
    kind = message.get("type")
    if kind in _PHASES:
        hook = message["hook"]
        return ResourceEvent(
            phase=_PHASES[kind],
            action=hook["action"],
            address=_address(hook["resource"]),
            seconds=float(hook.get("elapsed_seconds", 0)),
        )
    if kind == "planned_change":
        change = message["change"]
        return PlannedChange(change["action"], _address(change["resource"]))
    if kind == "change_summary":
        changes = message["changes"]
        return ChangeSummary(
            changes["operation"], changes["add"], changes["change"], changes["remove"]
        )
    if kind == "diagnostic":
        diagnostic = message["diagnostic"]
        return Diagnostic(
            diagnostic["severity"],
            diagnostic["summary"],
            diagnostic.get("detail", ""),
            diagnostic.get("address"),
        )
    return None


def _address(resource: dict[str, Any]) -> str:
    return str(resource["addr"])
