"""Reading the spans that functions write into their logs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from botocore.exceptions import ClientError

from trunkline.manifest import Manifest, names
from trunkline_devtools.aws.clients import Aws, aws_errors, error_code
from trunkline_devtools.tracing import Span, parse_span

__all__ = ["SpanReader"]


class SpanReader:
    """Finds spans in the log groups of an environment's functions."""

    def __init__(self, aws: Aws, environment: str, manifests: Sequence[Manifest]) -> None:
        self._logs = aws.client("logs")
        self._groups = tuple(
            names.log_group(environment, manifest.service, function.name)
            for manifest in manifests
            for function in manifest.functions
        )

    def containing(self, text: str, *, since_ms: int | None = None) -> tuple[Span, ...]:
        """Every span whose log line holds ``text``: an order id, a trace id.

        Args:
            text: What to look for.
            since_ms: Only log lines from this moment on; milliseconds since 1970.

        Raises:
            CloudCallFailed: the caller may not read the logs.
        """
        found: dict[str, Span] = {}
        for group in self._groups:
            for line in self._lines(group, text, since_ms):
                span = parse_span(line)
                if span is not None:
                    found[span.span_id] = span
        return tuple(sorted(found.values(), key=lambda span: (span.start, span.end)))

    def of_trace(self, trace_id: str, *, since_ms: int | None = None) -> tuple[Span, ...]:
        """The spans of a trace, without those of others that link to it, as a batch's do.

        Args:
            trace_id: In hex.
            since_ms: Only log lines from this moment on; milliseconds since 1970.

        Raises:
            CloudCallFailed: the caller may not read the logs.
        """
        found = self.containing(trace_id, since_ms=since_ms)
        return tuple(span for span in found if span.trace_id == trace_id)

    def _lines(self, group: str, text: str, since_ms: int | None) -> Iterator[str]:
        since = {} if since_ms is None else {"startTime": since_ms}
        with aws_errors(f"reading the log group {group}"):
            try:
                pages = self._logs.get_paginator("filter_log_events").paginate(
                    logGroupName=group, filterPattern=f'"{text}"', **since
                )
                for page in pages:
                    for event in page["events"]:
                        yield event["message"]
            except ClientError as error:
                # Without Terraform's log group a function has none until it first runs.
                if error_code(error) != "ResourceNotFoundException":
                    raise
