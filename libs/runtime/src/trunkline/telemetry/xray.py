"""AWS's trace header, ``X-Amzn-Trace-Id``.

https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from opentelemetry.trace import SpanContext

HEADER = "X-Amzn-Trace-Id"
"""Never part of a signature: load balancers and API Gateway change it (botocore leaves it out)."""
ENVIRONMENT = "_X_AMZN_TRACE_ID"
"""Where Lambda keeps the header's value for the running invocation
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html)."""

_ROOT = re.compile(r"1-([0-9a-f]{8})-([0-9a-f]{24})")
_SPAN = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class AmazonTrace:
    """What the header says."""

    trace_id: int
    parent_id: int | None
    sampled: bool
    """``False`` only if the header says so: without the field the decision is ours."""


def parse_xray(header: str | None) -> AmazonTrace | None:
    """Read the header; ``None`` if it is absent or malformed."""
    if not header:
        return None
    parts = dict(part.strip().partition("=")[::2] for part in header.split(";"))
    root = _ROOT.fullmatch(parts.get("Root", ""))
    if root is None:
        return None
    trace_id = int(root.group(1) + root.group(2), 16)
    if trace_id == 0:
        return None
    parent = parts.get("Parent", "")
    parent_id = int(parent, 16) if _SPAN.fullmatch(parent) else 0
    return AmazonTrace(trace_id, parent_id or None, parts.get("Sampled", "1") != "0")


def dump_xray(context: SpanContext) -> str:
    """The header of a span, so that X-Ray goes on with the same trace."""
    trace_id = f"{context.trace_id:032x}"
    sampled = int(context.trace_flags.sampled)
    root = f"1-{trace_id[:8]}-{trace_id[8:]}"
    return f"Root={root};Parent={context.span_id:016x};Sampled={sampled}"
