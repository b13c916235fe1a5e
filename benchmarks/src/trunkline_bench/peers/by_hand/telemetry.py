"""One JSON line each for a log, a metric and a span, for peers without telemetry of their own."""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_SERVICE = "orders"


class Trace:
    """The span of one piece of work, in the trace that it came with."""

    def __init__(self, trace_id: str, parent: str) -> None:
        self.trace_id = trace_id
        self.span_id = secrets.token_hex(8)
        self.parent = parent

    @property
    def traceparent(self) -> str:
        """The W3C header that carries this span on."""
        return f"00-{self.trace_id}-{self.span_id}-01"

    @classmethod
    def from_xray(cls, header: str | None) -> Trace:
        """Continue the trace of an ``X-Amzn-Trace-Id`` header, or begin one."""
        parts = dict(part.partition("=")[::2] for part in (header or "").split(";"))
        root = parts.get("Root", "").replace("-", "")[1:]
        return cls(root or secrets.token_hex(16), parts.get("Parent", ""))

    @classmethod
    def from_traceparent(cls, header: str | None) -> Trace:
        """Continue the trace of a ``traceparent`` header, or begin one."""
        parts = (header or "").split("-")
        if len(parts) != 4:
            return cls(secrets.token_hex(16), "")
        return cls(parts[1], parts[2])


@contextmanager
def span(name: str, trace: Trace) -> Iterator[Trace]:
    """Run a block as a span."""
    start = time.time()
    status = "error"
    try:
        yield trace
        status = "ok"
    finally:
        _write(
            {
                "type": "span",
                "name": name,
                "trace_id": trace.trace_id,
                "span_id": trace.span_id,
                "parent_span_id": trace.parent,
                "start": start,
                "end": time.time(),
                "status": status,
            }
        )


def log(message: str, trace: Trace, **fields: Any) -> None:
    """Write one line of the log."""
    _write(
        {
            "type": "log",
            "time": time.time(),
            "level": "INFO",
            "service": _SERVICE,
            "message": message,
            "trace_id": trace.trace_id,
            "span_id": trace.span_id,
            **fields,
        }
    )


def count(name: str) -> None:
    """Count one metric, in CloudWatch's embedded metric format.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    _write(
        {
            "_aws": {
                "Timestamp": int(time.time() * 1000),
                "CloudWatchMetrics": [
                    {
                        "Namespace": "shop",
                        "Dimensions": [["service"]],
                        "Metrics": [{"Name": name, "Unit": "Count"}],
                    }
                ],
            },
            "service": _SERVICE,
            "function": os.environ["AWS_LAMBDA_FUNCTION_NAME"],
            name: 1,
        }
    )


def _write(fields: dict[str, Any]) -> None:
    print(json.dumps(fields))
