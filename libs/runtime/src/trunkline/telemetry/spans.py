"""OpenTelemetry's tracing API, with one JSON line per span behind it.

Lambda forwards standard output to the function's log group, so a span needs neither a processor nor
an exporter; OpenTelemetry's SDK would cost every cold start and every span several times what this
costs (docs/decisions/2026-11-22-own-tracer.md). Code that uses OpenTelemetry's API, a service's own
or a library's, works as with the SDK.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context, set_value
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    TracerProvider,
)
from opentelemetry.util._decorator import _agnosticcontextmanager
from opentelemetry.util.types import AnyValue, Attributes
from typing_extensions import override

from trunkline.invocation import current
from trunkline.manifest import variables
from trunkline.telemetry import masking, xray
from trunkline.telemetry.tracecontext import flags
from trunkline.telemetry.xray import AmazonTrace

MAX_LINKS = 128
"""Links of one span (OpenTelemetry's default limit)."""

_ROOT = "trunkline-root"
"""The key of a context's :class:`AmazonTrace` that has begun a trace without a span of its own."""
_encode = json.JSONEncoder(ensure_ascii=False, default=masking.plain).encode
_KINDS = {kind: kind.name.lower() for kind in SpanKind}


def with_root(context: Context, root: AmazonTrace) -> Context:
    """A context whose first span belongs to a trace that AWS has begun."""
    return set_value(_ROOT, root, context)


class LineSpan(Span):
    """A span that is recorded; written when it ends."""

    __slots__ = (
        "_attributes", "_context", "_ended", "_events", "_kind", "_links", "_name", "_parent_id",
        "_start", "_status",
    )  # fmt: skip

    def __init__(
        self,
        context: SpanContext,
        parent_id: int | None,
        name: str,
        kind: SpanKind,
        attributes: Attributes,
        links: Sequence[Link] | None,
        start: int | None,
    ) -> None:
        self._context = context
        self._parent_id = parent_id
        self._name = name
        self._kind = kind
        self._attributes: dict[str, Any] = dict(attributes or {})
        self._links = [link.context for link in links or ()]
        self._start = start or time.time_ns()
        self._events: list[dict[str, Any]] = []
        self._status = Status()
        self._ended = False

    @override
    def get_span_context(self) -> SpanContext:
        """The ids that children and other services refer to."""
        return self._context

    @override
    def is_recording(self) -> bool:
        """Whether anything that is still said about the span is written."""
        return not self._ended

    @override
    def set_attribute(self, key: str, value: AnyValue) -> None:
        """Keep one fact."""
        self._attributes[key] = value

    @override
    def set_attributes(self, attributes: Mapping[str, AnyValue]) -> None:
        """Keep facts."""
        self._attributes.update(attributes)

    @override
    def add_event(
        self, name: str, attributes: Attributes = None, timestamp: int | None = None
    ) -> None:
        """Keep a moment."""
        moment = _iso(timestamp or time.time_ns())
        self._events.append({"name": name, "time": moment, "attributes": dict(attributes or {})})

    @override
    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        """Point at another span; of more than :data:`MAX_LINKS`, the first ones count."""
        if context.is_valid and len(self._links) < MAX_LINKS:
            self._links.append(context)

    @override
    def update_name(self, name: str) -> None:
        """Give it another name."""
        self._name = name

    @override
    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Say how it went; "ok" is final."""
        wanted = status if isinstance(status, Status) else Status(status, description)
        if self._status.status_code is not StatusCode.OK and not wanted.is_unset:
            self._status = wanted

    @override
    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Keep an exception as a moment; its traceback is in the log."""
        facts = {"exception.type": type(exception).__name__, "exception.message": str(exception)}
        self.add_event("exception", {**facts, **(attributes or {})}, timestamp)

    @override
    def end(self, end_time: int | None = None) -> None:
        """Write the span, once."""
        if self._ended:
            return
        self._ended = True
        sys.stdout.write(_encode(masking.masked(self._line(end_time or time.time_ns()))) + "\n")
        sys.stdout.flush()

    def _line(self, end: int) -> dict[str, Any]:
        """The span as the developer tools and log queries read it."""
        invocation = current()
        failed = self._status.status_code is StatusCode.ERROR
        line: dict[str, Any] = {
            "type": "span",
            "trace_id": format(self._context.trace_id, "032x"),
            "span_id": format(self._context.span_id, "016x"),
            "parent_span_id": format(self._parent_id, "016x") if self._parent_id else None,
            "name": self._name,
            "kind": _KINDS[self._kind],
            "service": invocation.service if invocation else os.environ.get(variables.SERVICE),
            "function": invocation.function if invocation else os.environ.get(variables.FUNCTION),
            "start": _iso(self._start),
            "end": _iso(end),
            "status": "error" if failed else "ok",
        }
        if failed and self._status.description:
            line["error"] = self._status.description
        line["attributes"] = self._attributes
        line["links"] = [
            {"trace_id": format(to.trace_id, "032x"), "span_id": format(to.span_id, "016x")}
            for to in self._links
        ]
        if self._events:
            line["events"] = self._events
        return line


class LineTracer(Tracer):
    """Begins spans."""

    @override
    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> Span:
        """A span below the context's, which the caller ends.

        A trace whose parent is not sampled is not recorded: its ids are passed on, and nothing is
        written.
        """
        parent = trace.get_current_span(context).get_span_context()
        # Not the random module: processes that Lambda restores from one snapshot share its state.
        own = int.from_bytes(os.urandom(8)) or 1
        if parent.is_valid:
            parent_id: int | None = parent.span_id
            ids = SpanContext(
                parent.trace_id,
                own,
                is_remote=False,
                trace_flags=flags(sampled=parent.trace_flags.sampled),
                trace_state=parent.trace_state,
            )
        else:
            root = _root_of(context)
            parent_id = root.parent_id
            sampled = flags(sampled=root.sampled)
            ids = SpanContext(root.trace_id, own, is_remote=False, trace_flags=sampled)
        if not ids.trace_flags.sampled:
            return NonRecordingSpan(ids)
        return LineSpan(ids, parent_id, name, kind, attributes, links, start_time)

    @_agnosticcontextmanager
    def start_as_current_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> Iterator[Span]:
        """A span for the duration of a block."""
        span = self.start_span(name, context, kind, attributes, links, start_time)
        with trace.use_span(
            span,
            end_on_exit=end_on_exit,
            record_exception=record_exception,
            set_status_on_exception=set_status_on_exception,
        ) as active:
            yield active


class LineTracerProvider(TracerProvider):
    """Has one tracer: who made a span is told by its name."""

    _tracer = LineTracer()

    @override
    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Tracer:
        """The tracer."""
        return self._tracer


def _root_of(context: Context | None) -> AmazonTrace:
    """The trace that a first span belongs to: the request's, Lambda's, or one that begins here."""
    given = None if context is None else context.get(_ROOT)
    if isinstance(given, AmazonTrace):
        return given
    lambdas = xray.parse_xray(os.environ.get(xray.ENVIRONMENT))
    return lambdas or AmazonTrace(int.from_bytes(os.urandom(16)) or 1, None, sampled=True)


def _iso(nanoseconds: int) -> str:
    return f"{_second(nanoseconds // 10**9)}.{nanoseconds // 10**6 % 1000:03}Z"


@lru_cache(maxsize=2)  # most of a process's spans begin and end within one
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
