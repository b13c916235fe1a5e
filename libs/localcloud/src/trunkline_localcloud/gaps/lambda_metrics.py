"""Functions are measured by function, by alias or version, and by the version that ran.

Lambda publishes ``Invocations``, ``Errors``, ``Throttles``, ``Duration`` and
``ConcurrentExecutions`` with the dimensions ``FunctionName``; ``FunctionName`` and ``Resource``;
and, for an alias, these and ``ExecutedVersion``, without which nobody could tell a canary's errors
from the others (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html). A
throttled request is no invocation.
MiniStack measures ``FunctionName`` alone, and only what comes through ``Invoke``.
Here it is measured where every way of invoking ends.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from threading import Lock
from typing import Any

from trunkline_localcloud.cloudwatch import Datum, MetricSink
from trunkline_localcloud.patching import expect, replace
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "lambda_metrics"
_NAMESPACE = "AWS/Lambda"
_UNMEASURED = ("function_name", "duration_ms", "error", "throttle")


def install(_settings: CloudSettings) -> None:
    """Measure every execution."""
    from ministack.services import lambda_svc

    measuring = _Measuring(MetricSink())
    replace(_GAP, lambda_svc, "_emit_lambda_metrics", _UNMEASURED, lambda _original: _nothing)
    in_other_scope = expect(_GAP, lambda_svc, "_function_config_scope_mismatch", ("config",))

    def measured(original: Callable[..., Any]) -> Callable[..., Any]:
        def execute(func: Mapping[str, Any], event: Any) -> Any:
            configuration = func.get("config") or func
            if in_other_scope(configuration):  # comes here again, in its own scope
                return original(func, event)
            return measuring.run(configuration, lambda: original(func, event))

        return execute

    replace(_GAP, lambda_svc, "_execute_function", ("func", "event"), measured)


def _nothing(*_args: Any, **_kwargs: Any) -> None:
    """In place of MiniStack's own measuring."""


class _Measuring:
    """Measures executions and counts those under way."""

    def __init__(self, sink: MetricSink) -> None:
        self._sink = sink
        self._running: Counter[str] = Counter()
        self._lock = Lock()

    def run(self, configuration: Mapping[str, Any], execute: Callable[[], Any]) -> Any:
        name = configuration["FunctionName"]
        with self._lock:
            self._running[name] += 1
            running = self._running[name]
        started = time.perf_counter()
        try:
            result = execute()
        finally:
            with self._lock:
                self._running[name] -= 1
        milliseconds = (time.perf_counter() - started) * 1000
        values = _values(result, milliseconds, running)
        self._sink.put(
            Datum(_NAMESPACE, metric, value, unit, dimensions)
            for dimensions in _dimensions(configuration)
            for metric, value, unit in values
        )
        return result


def _values(
    result: Mapping[str, Any], milliseconds: float, running: int
) -> list[tuple[str, float, str]]:
    if result.get("throttle"):
        return [("Throttles", 1.0, "Count")]
    return [
        ("Invocations", 1.0, "Count"),
        ("Errors", float(bool(result.get("error"))), "Count"),
        ("Throttles", 0.0, "Count"),
        ("Duration", milliseconds, "Milliseconds"),
        ("ConcurrentExecutions", float(running), "Count"),
    ]


def _dimensions(configuration: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    name = configuration["FunctionName"]
    yield {"FunctionName": name}
    qualifier = configuration.get("FunctionArn", "").partition(f":function:{name}:")[2]
    resource = f"{name}:{qualifier}" if qualifier else name
    yield {"FunctionName": name, "Resource": resource}
    if qualifier and not qualifier.isdecimal() and qualifier != "$LATEST":
        version = configuration.get("Version", "$LATEST")
        yield {"FunctionName": name, "Resource": resource, "ExecutedVersion": version}
