"""Runs inside the process of a function: imports the handler, then serves one invocation at a time.

Started as ``python -I -S bootstrap.py CONTROL_FD``. It uses the standard library alone, because
nothing else is on the function's path but its bundle and its layers. The behaviour (error types,
messages, log format, context object) is that of AWS's own Python runtime client:
https://github.com/aws/aws-lambda-python-runtime-interface-client

Frames on the control socket are four bytes of length (big-endian) and JSON. Standard output and
standard error are the log; a line of NUL and a request id says that an invocation's log is whole.
"""

from __future__ import annotations

import importlib
import io
import json
import logging
import os
import queue
import resource
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

_BOOTSTRAP_FRAMES = 1
_MAX_RESPONSE_BYTES = 6 * 1024 * 1024 + 100


def _read_exactly(descriptor: int, size: int) -> bytes | None:
    parts = []
    while size:
        part = os.read(descriptor, size)
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _receive(descriptor: int) -> Any:
    header = _read_exactly(descriptor, 4)
    body = None if header is None else _read_exactly(descriptor, int.from_bytes(header, "big"))
    return None if body is None else json.loads(body)


def _send(descriptor: int, message: object) -> None:
    body = json.dumps(message).encode()
    data = memoryview(len(body).to_bytes(4, "big") + body)
    while data:
        data = data[os.write(descriptor, data) :]


def _read_requests(descriptor: int, requests: queue.SimpleQueue[Any]) -> None:
    """Hand requests over; when the cloud is gone, end this process and all that it started."""
    while True:
        message = _receive(descriptor)
        if message is None:
            os.killpg(0, signal.SIGKILL)
        requests.put(message)


class LambdaContext:
    """What a handler gets as its second argument.

    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """

    def __init__(self, request: dict[str, Any]) -> None:
        self.aws_request_id = request["request_id"]
        self.invoked_function_arn = request["invoked_function_arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.client_context = None
        self.identity = None
        self.tenant_id = None
        self._epoch_deadline_time_in_ms = request["deadline_ms"]

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the invocation times out; never negative."""
        return max(0, int(self._epoch_deadline_time_in_ms - time.time() * 1000))

    def log(self, message: object) -> None:
        """Write to the function's log."""
        sys.stdout.write(str(message) + "\n")


class _CurrentRequest(logging.Filter):
    aws_request_id = ""

    def filter(self, record: logging.LogRecord) -> bool:
        record.aws_request_id = self.aws_request_id
        return True


class _OneEvent(logging.Formatter):
    """A record is one log event however many lines it has; the log's reader restores them."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\n", "\r")


class _JsonEvent(logging.Formatter):
    """https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html (structured JSON)."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        event = {
            "timestamp": self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            "requestId": getattr(record, "aws_request_id", ""),
        }
        if record.exc_info:
            event["stackTrace"] = traceback.format_exception(*record.exc_info)
        return json.dumps(event, default=str)


def _configure_logging() -> _CurrentRequest:
    current = _CurrentRequest()
    handler = logging.StreamHandler(sys.stdout)
    handler.addFilter(current)
    if os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON":
        handler.setFormatter(_JsonEvent())
        logging.getLogger().setLevel(os.environ.get("AWS_LAMBDA_LOG_LEVEL", "INFO"))
    else:
        text = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
        handler.setFormatter(_OneEvent(text, "%Y-%m-%dT%H:%M:%S"))
    logging.getLogger().addHandler(handler)
    return current


def _fault(error_type: str, message: str, trace: Sequence[str] = ()) -> dict[str, Any]:
    return {"errorMessage": message, "errorType": error_type, "requestId": "", "stackTrace": trace}


def _load_handler() -> tuple[Any, dict[str, Any] | None]:
    """The handler, or the fault that AWS's runtime reports when there is none."""
    name = os.environ["_HANDLER"]
    module_name, dot, attribute = name.rpartition(".")
    if not dot:
        return None, _fault(
            "Runtime.MalformedHandlerName",
            f"Bad handler '{name}': not enough values to unpack (expected 2, got 1)",
        )
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        message = f"Unable to import module '{module_name}': {error}"
        return None, _fault("Runtime.ImportModuleError", message)
    except SyntaxError as error:
        lines = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']
        message = f"Syntax error in module '{module_name}': {error}"
        return None, _fault("Runtime.UserCodeSyntaxError", message, lines)
    if not hasattr(module, attribute):
        message = f"Handler '{attribute}' missing on module '{module_name}'"
        return None, _fault("Runtime.HandlerNotFound", message)
    return getattr(module, attribute), None


def _error(error: Exception, request_id: str) -> dict[str, Any]:
    """What AWS reports for an exception that a handler raised."""
    frames = traceback.extract_tb(error.__traceback__)[_BOOTSTRAP_FRAMES:]
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": request_id,
        "stackTrace": traceback.format_list(frames),
    }


def _log_error(fault: dict[str, Any]) -> None:
    lines = [f"[ERROR] {fault['errorType']}: {fault['errorMessage']}"]
    if fault["stackTrace"]:
        lines += ["Traceback (most recent call last):", *fault["stackTrace"]]
    sys.stdout.write("\n".join(lines).rstrip().replace("\n", "\r") + "\n")


def _respond(result: object, request_id: str) -> tuple[str, Any]:
    try:
        # As AWS's client does from python3.12 on: characters as they are, and NaN is let through.
        text = json.dumps(result, ensure_ascii=False, default=_decimal)
    except (TypeError, ValueError) as error:
        message = f"Unable to marshal response: {error}"
        return "error", {**_fault("Runtime.MarshalError", message), "requestId": request_id}
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > _MAX_RESPONSE_BYTES:
        message = (
            f"Response payload size ({size} bytes) exceeded maximum allowed payload size "
            f"({_MAX_RESPONSE_BYTES} bytes)."
        )
        return "error", {
            "errorType": "Function.ResponseSizeTooLarge",
            "errorMessage": message,
        }
    return "result", text


def _decimal(value: Any) -> float:
    """AWS's runtime serialises Decimal as a number, and nothing else beyond JSON."""
    if type(value).__module__ == "decimal" and type(value).__name__ == "Decimal":
        whole = value.is_finite() and value == value.to_integral_value()
        return int(value) if whole else float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _answer(control: int, request_id: str, kind: str, payload: object) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(1, b"\0" + request_id.encode() + b"\n")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _send(control, {"kind": kind, "payload": payload, "max_rss": peak})


class _Guard:
    """Keeps whatever the function's code raises, which is reported, not handled.

    Exits (``SystemExit``, ``KeyboardInterrupt``) pass and end the process, as on AWS.
    """

    error: Exception | None = None

    def __enter__(self) -> _Guard:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        self.error = error
        return True


def _invoke(handler: Callable[..., Any], request: dict[str, Any]) -> tuple[str, Any]:
    request_id = request["request_id"]
    with _Guard() as guard:
        result = handler(request["event"], LambdaContext(request))
    if guard.error is not None:
        fault = _error(guard.error, request_id)
        _log_error(fault)
        return "error", fault
    return _respond(result, request_id)


def main() -> None:
    """Import the handler, say so, and serve until the cloud ends this process."""
    control = int(sys.argv[1])
    os.set_inheritable(control, False)
    sys.path[:0] = json.loads(os.environ.pop("_LOCALCLOUD_SYS_PATH"))
    del sys.argv[1:]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True, encoding="utf-8", errors="backslashreplace")
    current = _configure_logging()
    with _Guard() as guard:
        handler, fault = _load_handler()
    if guard.error is not None:
        fault = _error(guard.error, "")
    if fault is not None:
        _log_error(fault)
        _answer(control, "init", "init_error", fault)
        return
    requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
    reader = threading.Thread(target=_read_requests, args=(control, requests), daemon=True)
    reader.start()
    _answer(control, "init", "ready", None)
    while True:
        request = requests.get()
        current.aws_request_id = request["request_id"]
        if request["trace_id"]:
            os.environ["_X_AMZN_TRACE_ID"] = request["trace_id"]
        else:
            os.environ.pop("_X_AMZN_TRACE_ID", None)
        _answer(control, request["request_id"], *_invoke(handler, request))


if __name__ == "__main__":
    main()
