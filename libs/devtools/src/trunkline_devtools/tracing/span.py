"""One span, as functions log it: a JSON object on a line, with ``"type": "span"``."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Span", "parse_span"]


@dataclass(frozen=True)
class Span:
    """One piece of work in one function."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    name: str
    kind: str
    """``server``, ``client``, ``producer``, ``consumer`` or ``internal``, as in OpenTelemetry."""
    service: str
    function: str
    start: dt.datetime
    end: dt.datetime
    status: str
    """``ok`` or ``error``."""
    error: str = ""
    """What went wrong."""
    attributes: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def milliseconds(self) -> float:
        """How long it took."""
        return (self.end - self.start).total_seconds() * 1000

    @property
    def subject(self) -> str | None:
        """What it was about, for example an order's id."""
        value = self.attributes.get("subject")
        return None if value is None else str(value)


def parse_span(line: str) -> Span | None:
    """The span in a log line, or None when the line is something else."""
    if '"span"' not in line:
        return None
    try:
        content = json.loads(line[line.index("{") :])
    except ValueError:
        return None
    if not isinstance(content, dict) or content.get("type") != "span":
        return None
    try:
        return Span(
            trace_id=content["trace_id"],
            span_id=content["span_id"],
            parent_span_id=content.get("parent_span_id") or None,
            name=content["name"],
            kind=str(content.get("kind", "internal")),
            service=content["service"],
            function=content["function"],
            start=dt.datetime.fromisoformat(content["start"]),
            end=dt.datetime.fromisoformat(content["end"]),
            status=str(content.get("status", "")),
            error=str(content.get("error", "")),
            attributes=dict(content.get("attributes") or {}),
        )
    except (KeyError, ValueError):
        return None
