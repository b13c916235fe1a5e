"""Spans and the trace context, through OpenTelemetry's API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from trunkline.telemetry.xray import ROOT_TRACE_ID, parse_xray

Kind = Literal["internal", "server", "client", "producer", "consumer"]

_TRACER = trace.get_tracer("trunkline")
_W3C = TraceContextTextMapPropagator()
_KINDS: Mapping[Kind, SpanKind] = {
    "internal": SpanKind.INTERNAL,
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
}


@contextmanager
def span(
    name: str,
    *,
    kind: Kind = "internal",
    parent: Context | None = None,
    attributes: Mapping[str, str | int | bool] | None = None,
) -> Iterator[Span]:
    """Run a block as a span; an exception that leaves it marks the span as failed.

    Args:
        name: short, with few distinct values: a route, a wire name.
        kind: the span's role in OpenTelemetry's sense.
        parent: the context that came over the wire; the current span if ``None``.
        attributes: facts known at the start.
    """
    with _TRACER.start_as_current_span(
        name,
        context=parent,
        kind=_KINDS[kind],
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=True,
    ) as active:
        yield active


def open_span(
    name: str,
    *,
    kind: Kind,
    parent: Context,
    attributes: Mapping[str, str | int | bool] | None = None,
) -> Span:
    """A span that the caller ends by itself, for work on many things at once."""
    return _TRACER.start_span(name, context=parent, kind=_KINDS[kind], attributes=attributes)


def failed(active: Span, reason: str) -> None:
    """Mark a span as failed without an exception leaving it."""
    active.set_status(Status(StatusCode.ERROR, reason))


def annotate(name: str, value: str | int | bool) -> None:
    """Put a fact on the current span."""
    trace.get_current_span().set_attribute(name, value)


def traceparent(of: Span | None = None) -> str | None:
    """The W3C header of a span, by default of the current one; ``None`` outside of any."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier, None if of is None else trace.set_span_in_context(of))
    return carrier.get("traceparent")


def trace_id() -> str | None:
    """The current trace's id in hex, or ``None``."""
    context = trace.get_current_span().get_span_context()
    return format(context.trace_id, "032x") if context.is_valid else None


def from_traceparent(header: str | None) -> Context:
    """The context that a W3C header carries; an empty one, so a new trace, if it is malformed."""
    return _W3C.extract({"traceparent": header} if header else {}, Context())


def from_headers(headers: Mapping[str, str]) -> Context:
    """The context of a request: ``traceparent``, else ``X-Amzn-Trace-Id``.

    Args:
        headers: with lower-case names.

    API Gateway's own header often names a trace but no parent; a new trace then takes its id.
    """
    context = from_traceparent(headers.get("traceparent"))
    if trace.get_current_span(context).get_span_context().is_valid:
        return context
    amazon = parse_xray(headers.get("x-amzn-trace-id"))
    if amazon is None:
        return context
    if amazon.parent_id is None:
        ROOT_TRACE_ID.set(amazon.trace_id)
        return context
    flags = trace.TraceFlags(trace.TraceFlags.SAMPLED if amazon.sampled else 0)
    remote = trace.SpanContext(amazon.trace_id, amazon.parent_id, is_remote=True, trace_flags=flags)
    return trace.set_span_in_context(trace.NonRecordingSpan(remote), context)
