"""AWS's trace header, ``X-Amzn-Trace-Id``.

https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from dataclasses import dataclass

_ROOT = re.compile(r"^1-([0-9a-f]{8})-([0-9a-f]{24})$")
_SPAN = re.compile(r"^[0-9a-f]{16}$")

ROOT_TRACE_ID: ContextVar[int | None] = ContextVar("trunkline_root_trace_id", default=None)
"""The id that the next new trace shall have."""


@dataclass(frozen=True)
class AmazonTrace:
    """What the header says."""

    trace_id: int
    parent_id: int | None
    sampled: bool


def parse_xray(header: str | None) -> AmazonTrace | None:
    """Read the header; ``None`` if it is absent or malformed."""
    if not header:
        return None
    parts = dict(part.strip().partition("=")[::2] for part in header.split(";"))
    root = _ROOT.match(parts.get("Root", ""))
    if root is None:
        return None
    trace_id = int(root.group(1) + root.group(2), 16)
    if trace_id == 0:
        return None
    parent = parts.get("Parent", "")
    parent_id = int(parent, 16) if _SPAN.match(parent) else 0
    return AmazonTrace(trace_id, parent_id or None, parts.get("Sampled", "1") != "0")
