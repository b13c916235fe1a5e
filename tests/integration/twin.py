"""Runs in the local cloud in the place of a function's handler: the same code under AWS's client.

It serves the Lambda Runtime API (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html) to
one process of `awslambdaric`, which runs the handler that TWIN_HANDLER names with this function's
own role, network and variables. What that process answered and logged is this function's answer.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_events: queue.SimpleQueue[tuple[str, bytes, int, str]] = queue.SimpleQueue()
_answers: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()


class _RuntimeApi(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        request_id, event, deadline, trace = _events.get()
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", request_id)
        self.send_header("Lambda-Runtime-Deadline-Ms", str(deadline))
        self.send_header("Lambda-Runtime-Trace-Id", trace)
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:::function:twin")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(event)))
        self.end_headers()
        self.wfile.write(event)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        _answers.put((self.path.rsplit("/", 1)[1], body))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Its log is not the function's."""


class _Client:
    """The process of AWS's runtime client."""

    def __init__(self) -> None:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _RuntimeApi)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        # A file, since all that was written before an answer can be read from it at once.
        self._log = Path(tempfile.mkdtemp()) / "log"
        self._read = 0
        with self._log.open("wb") as log:
            subprocess.Popen(
                [sys.executable, "-m", "awslambdaric", os.environ["TWIN_HANDLER"]],
                env={
                    **os.environ,
                    # What production runs, and how every local function is answered for: older
                    # ones escape what is not ASCII.
                    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
                    "PYTHONPATH": os.pathsep.join(sys.path),
                    "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_address[1]}",
                },
                stdout=log,
                stderr=log,
            )

    def ask(self, event: bytes, context: Any) -> dict[str, Any]:
        """Run the handler once; its answer and what it logged."""
        left = context.get_remaining_time_in_millis()
        deadline = int(time.time() * 1000) + left
        _events.put((context.aws_request_id, event, deadline, os.environ["_X_AMZN_TRACE_ID"]))
        kind, body = _answers.get(timeout=left / 1000 - 0.2)
        log = self._log.read_text()
        lines, self._read = log[self._read :].splitlines(), len(log)
        return {"kind": kind, "body": body.decode(), "log": lines}


_client: list[_Client] = []


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer with what AWS's runtime client made of the event."""
    if not _client:
        _client.append(_Client())
    return _client[0].ask(event["event"].encode(), context)
