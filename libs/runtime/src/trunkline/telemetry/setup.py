"""Telemetry of one process: spans and logs as JSON lines on standard output."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from trunkline.invocation import current
from trunkline.manifest import variables
from trunkline.telemetry.logs import configure_logs
from trunkline.telemetry.xray import ROOT_TRACE_ID

_provider: TracerProvider | None = None


class JsonLineExporter(SpanExporter):
    """Writes each span as one line; Lambda forwards standard output to the function's log group."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write the spans."""
        for span in spans:
            sys.stdout.write(json.dumps(span_line(span), ensure_ascii=False) + "\n")
        sys.stdout.flush()
        return SpanExportResult.SUCCESS


class IdGenerator(RandomIdGenerator):
    """Random ids; a trace that API Gateway has begun keeps its id."""

    def generate_trace_id(self) -> int:
        """The id of a new trace."""
        given = ROOT_TRACE_ID.get()
        ROOT_TRACE_ID.set(None)
        return super().generate_trace_id() if given is None else given


def span_line(span: ReadableSpan) -> dict[str, Any]:
    """A span as the JSON line that the developer tools and log queries read."""
    context = span.get_span_context()
    invocation = current()
    return {
        "type": "span",
        "trace_id": format(context.trace_id, "032x") if context else None,
        "span_id": format(context.span_id, "016x") if context else None,
        "parent_span_id": format(span.parent.span_id, "016x") if span.parent else None,
        "name": span.name,
        "kind": span.kind.name.lower(),
        "service": invocation.service if invocation else os.environ.get(variables.SERVICE),
        "function": invocation.function if invocation else os.environ.get(variables.FUNCTION),
        "start": _iso(span.start_time),
        "end": _iso(span.end_time),
        "status": "error" if not span.status.is_ok else "ok",
        **({"error": span.status.description} if span.status.description else {}),
        "attributes": dict(span.attributes or {}),
        "links": [
            {
                "trace_id": format(link.context.trace_id, "032x"),
                "span_id": format(link.context.span_id, "016x"),
            }
            for link in span.links
        ],
    }


def configure() -> None:
    """Set up spans and logs, once per process."""
    global _provider
    if _provider is not None:
        return
    configure_logs()
    _provider = TracerProvider(
        resource=Resource.get_empty(), id_generator=IdGenerator(), shutdown_on_exit=False
    )
    _provider.add_span_processor(SimpleSpanProcessor(JsonLineExporter()))
    trace.set_tracer_provider(_provider)


def _iso(nanoseconds: int | None) -> str | None:
    if nanoseconds is None:
        return None
    moment = datetime.fromtimestamp(nanoseconds / 1e9, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
