"""The W3C's trace context: ``traceparent`` and ``tracestate``.

https://www.w3.org/TR/trace-context/. OpenTelemetry's own propagator accepts a trailing line break
and knows nothing of a header that came twice; here the recommendation is followed to the letter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from opentelemetry.trace import SpanContext, TraceFlags, TraceState

MAX_STATE_LENGTH = 512
"""Characters of ``tracestate`` that are passed on (section 3.3.1.5 asks for at least as many)."""
LONG_MEMBER = 128
"""Members longer than this go first where there is too much (same section)."""

_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_NOT_SAMPLED = TraceFlags(TraceFlags.DEFAULT)


def flags(*, sampled: bool) -> TraceFlags:
    """The flags that we send: version 00 has one bit, and all others must be zero."""
    return _SAMPLED if sampled else _NOT_SAMPLED


def parse(parents: Sequence[str], states: Sequence[str] = ()) -> SpanContext | None:
    """The sender's context.

    Args:
        parents: every ``traceparent`` that came; more than one is as good as none.
        states: every ``tracestate``, in order. What is wrong with them costs only themselves.

    Returns:
        ``None`` if there is no valid parent: the receiver then begins a trace.
    """
    if len(parents) != 1:
        return None
    match = _PARENT.fullmatch(parents[0].strip(" \t"))
    if match is None:
        return None
    version, trace_id, parent_id, bits, more = match.groups()
    if version == "ff" or (version == "00" and more is not None):
        return None
    context = SpanContext(
        trace_id=int(trace_id, 16),
        span_id=int(parent_id, 16),
        is_remote=True,
        trace_flags=flags(sampled=bool(int(bits, 16) & TraceFlags.SAMPLED)),
        trace_state=TraceState.from_header(list(states)) if states else None,
    )
    return context if context.is_valid else None


def dump_parent(context: SpanContext) -> str:
    """The ``traceparent`` of a span."""
    bits = "01" if context.trace_flags.sampled else "00"
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{bits}"


def dump_state(context: SpanContext) -> str | None:
    """The ``tracestate`` of a span, cut to :data:`MAX_STATE_LENGTH`; ``None`` if it is empty."""
    if not context.trace_state:
        return None
    members = [f"{key}={value}" for key, value in context.trace_state.items()]
    if sum(map(len, members)) + len(members) - 1 > MAX_STATE_LENGTH:
        members = [member for member in members if len(member) <= LONG_MEMBER]
    while sum(map(len, members)) + len(members) - 1 > MAX_STATE_LENGTH:
        members.pop()
    return ",".join(members) or None
