"""Spans and the trace context, through OpenTelemetry's API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import NonRecordingSpan, Span, SpanKind, Status, StatusCode

from trunkline.telemetry import tracecontext, xray
from trunkline.telemetry.spans import with_root

Kind = Literal["internal", "server", "client", "producer", "consumer"]

_TRACER = trace.get_tracer("trunkline")
_W3C = ("traceparent", "tracestate")
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
    opened = _TRACER.start_span(name, context=parent, kind=_KINDS[kind], attributes=attributes)
    token = attach(trace.set_span_in_context(opened))
    try:
        yield opened
    except Exception as error:
        failed(opened, f"{type(error).__name__}: {error}")
        raise
    finally:
        detach(token)
        opened.end()


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


@contextmanager
def batch(name: str, size: int, *, kind: Kind) -> Iterator[None]:
    """One span around messages of many traces, with a link to each sender (:func:`link`).

    Each message is processed in a span of its own below its sender, so a batch of one has nothing
    to add, and gets none
    (https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/#batch-processing).
    """
    if size < 2:
        yield
        return
    facts = {"messaging.batch.message_count": size}
    with span(f"{name} batch", kind=kind, parent=Context(), attributes=facts):
        yield


def link(context: Context) -> None:
    """Point the current span at the one that a context from the wire names."""
    active = trace.get_current_span()
    to = trace.get_current_span(context).get_span_context()
    if active.is_recording() and to.is_valid:
        active.add_link(to)


def traceparent() -> str | None:
    """The current span's W3C header; ``None`` outside of any."""
    return carried()[0]


def carried(of: Span | None = None) -> tuple[str | None, str | None]:
    """``traceparent`` and ``tracestate`` of a span, by default of the current one."""
    context = (of or trace.get_current_span()).get_span_context()
    if not context.is_valid:
        return None, None
    return tracecontext.dump_parent(context), tracecontext.dump_state(context)


def outgoing_headers() -> dict[str, str]:
    """The headers by which another service goes on with the current trace."""
    parent, state = carried()
    if parent is None:
        return {}
    amazon = xray.dump_xray(trace.get_current_span().get_span_context())
    headers = {"traceparent": parent, xray.HEADER: amazon}
    return headers if state is None else {**headers, "tracestate": state}


def trace_id() -> str | None:
    """The current trace's id in hex, or ``None``."""
    context = trace.get_current_span().get_span_context()
    return format(context.trace_id, "032x") if context.is_valid else None


def from_traceparent(header: str | None, state: str | None = None) -> Context:
    """The context that the W3C's fields carry; an empty one, so a new trace, if they are wrong."""
    return _remote([header] if header else [], [state] if state else [])


def from_request(event: Mapping[str, Any], headers: Mapping[str, str]) -> Context:
    """The context of a request: ``traceparent``, else ``X-Amzn-Trace-Id``.

    Args:
        event: API Gateway's, whose ``multiValueHeaders`` tell what came more than once.
        headers: its headers with lower-case names, of a repeated one the last.

    API Gateway's own header often names a trace but no parent; a new trace then takes its id.
    """
    context = Context()
    if "traceparent" in headers:
        found = _read(event.get("multiValueHeaders") or event.get("headers"))
        context = _remote(found["traceparent"], found["tracestate"])
        if trace.get_current_span(context).get_span_context().is_valid:
            return context
    amazon = xray.parse_xray(headers.get("x-amzn-trace-id"))
    return context if amazon is None else with_root(context, amazon)


def _remote(parents: Sequence[str], states: Sequence[str]) -> Context:
    sender = tracecontext.parse(parents, states) if parents else None
    if sender is None:
        return Context()
    return trace.set_span_in_context(NonRecordingSpan(sender), Context())


def _read(headers: Any) -> dict[str, list[str]]:
    """The W3C's fields, as API Gateway sends them: texts, or lists of texts."""
    found: dict[str, list[str]] = {name: [] for name in _W3C}
    for name, values in headers.items() if isinstance(headers, Mapping) else ():
        if (lower := str(name).lower()) in _W3C:
            listed = values if isinstance(values, list) else [values]
            found[lower] += [value for value in listed if isinstance(value, str)]
    return found
