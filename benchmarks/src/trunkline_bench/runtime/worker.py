"""Runs inside the process of a peer, as Lambda's bootstrap does: imports the handler, then serves.

Started as ``python -I -S worker.py JOB``; the standard library alone, so that a peer finds nothing
imported that its own bundle would have to bring. Each answer is one line of JSON on a descriptor
of its own; what the handler prints is its log.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

UNIQUE = "@unique@"
"""In an event's text: replaced by another number for each call."""

_TIMEOUT_MS = 30_000
_TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


class Context:
    """What a handler gets as its second argument.

    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """

    def __init__(self, request_id: str) -> None:
        self.aws_request_id = request_id
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        region = os.environ["AWS_REGION"]
        self.invoked_function_arn = (
            f"arn:aws:lambda:{region}:123456789012:function:{self.function_name}"
        )
        self.client_context = None
        self.identity = None
        self._deadline = time.time() * 1000 + _TIMEOUT_MS

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the invocation times out; never negative."""
        return max(0, int(self._deadline - time.time() * 1000))


class Calls:
    """Calls the handler, each time with an event of its own."""

    def __init__(self, handler: Callable[[Any, Any], Any], text: str, first: int) -> None:
        self._handler = handler
        self._text = text
        self._number = first

    def one(self) -> tuple[float, str]:
        """One call: seconds in the handler, and the response as Lambda sends it."""
        self._number += 1
        event = json.loads(self._text.replace(UNIQUE, f"{self._number:012}"))
        context = Context(f"c6af9ac6-7b61-11e6-9a41-{self._number:012}")
        os.environ["_X_AMZN_TRACE_ID"] = _TRACE  # as Lambda's runtime does for each invocation
        start = time.perf_counter()
        response = self._handler(event, context)
        seconds = time.perf_counter() - start
        return seconds, json.dumps(response, ensure_ascii=False)

    def many(self, count: int) -> tuple[float, str]:
        """Several calls: seconds in the handler in all, and the last response."""
        total, response = 0.0, ""
        for _ in range(count):
            seconds, response = self.one()
            total += seconds
        return total, response


def main() -> None:
    """Answer the first call at once, then as many as each line of standard input says."""
    job = json.loads(sys.argv[1])
    sys.path.insert(0, job["bundle"])
    # Lambda forwards each line of the log at once.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    module, _, name = job["handler"].rpartition(".")
    handler = getattr(importlib.import_module(module), name)
    with open(job["event"], encoding="utf-8") as file:  # noqa: PTH123  (pathlib takes its time)
        calls = Calls(handler, file.read(), job["first"])
    _answer(job["answers"], calls.one())
    for line in sys.stdin:
        _answer(job["answers"], calls.many(int(line)))


def _answer(descriptor: int, answer: tuple[float, str]) -> None:
    seconds, response = answer
    os.write(descriptor, json.dumps({"seconds": seconds, "response": response}).encode() + b"\n")


if __name__ == "__main__":
    main()
