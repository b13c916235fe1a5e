"""Logs: one JSON object per line, with the trace they belong to.

The standard library's logging with one formatter, as importing a logging package costs every cold
start about 50 ms.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import Any

from opentelemetry import trace

from trunkline.invocation import current
from trunkline.telemetry import correlation, masking

_STANDARD = frozenset(
    logging.LogRecord("", 0, "", 0, "", None, None).__dict__ | {"message": "", "asctime": ""}
)

_LAMBDA = "AWS_LAMBDA_FUNCTION_NAME"
"""Set in every Lambda function, which has a handler of its own at the root logger
(https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html)."""


_encode = json.JSONEncoder(ensure_ascii=False, default=masking.plain).encode


class JsonFormatter(logging.Formatter):
    """A log record as JSON; what is passed as ``extra`` becomes fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        moment = datetime.fromtimestamp(record.created, UTC)
        invocation = current()
        span = trace.get_current_span().get_span_context()
        line: dict[str, Any] = {
            "type": "log",
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if invocation is not None:
            line |= {
                "service": invocation.service,
                "function": invocation.function,
                "handler": invocation.handler,
            }
            if invocation.cause is not None:
                line["cause"] = invocation.cause
        line |= correlation.known()
        if span.is_valid:
            line |= {
                "trace_id": format(span.trace_id, "032x"),
                "span_id": format(span.span_id, "016x"),
            }
        line |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _encode(masking.masked(line))


class _StandardOutput(logging.StreamHandler[Any]):
    """Writes to whatever standard output is at the moment, as tests replace it."""

    def __init__(self) -> None:
        super().__init__(sys.stdout)

    @property
    def stream(self) -> Any:
        return sys.stdout

    @stream.setter
    def stream(self, value: Any) -> None:
        """Ignored: there is only one standard output."""


def configure_logs() -> None:
    """Send all logs to standard output as JSON; in Lambda, in place of its own handler."""
    handler = _StandardOutput()
    handler.setFormatter(JsonFormatter())
    if _LAMBDA in os.environ:
        # What no line shows is not looked up
        # (https://docs.python.org/3/howto/logging.html#optimization).
        logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root = logging.getLogger()
    for other in list(root.handlers):
        if _LAMBDA in os.environ or isinstance(other, _StandardOutput):
            root.removeHandler(other)
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    for noisy in ("botocore", "boto3", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # It would repeat what strangers write into their tracestate.
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)
