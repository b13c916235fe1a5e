"""REST APIs are measured.

API Gateway publishes ``Count``, ``4XXError``, ``5XXError`` and ``Latency`` with the dimensions
``ApiName``, and ``ApiName`` and ``Stage``
(https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html);
the errors are 0 or 1 per call, so that their average is a rate. Calls that are refused count too.
MiniStack publishes nothing. Here the whole of a call is measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from trunkline_localcloud.cloudwatch import Datum, MetricSink
from trunkline_localcloud.patching import expect, replace
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "api_metrics"
_NAMESPACE = "AWS/ApiGateway"
_PARAMETERS = (
    "host",
    "path",
    "method",
    "headers",
    "body",
    "query_params",
    "raw_path",
    "raw_query_string",
)


def install(_settings: CloudSettings) -> None:
    """Measure every call of a REST API."""
    from ministack import app
    from ministack.services import apigateway_v1

    sink = MetricSink()
    apis = expect(_GAP, apigateway_v1, "_rest_apis")
    scope_of = expect(_GAP, apigateway_v1, "find_api_scope", ("api_id",))
    parse = expect(_GAP, app, "_parse_execute_api_url", ("host", "path"))

    async def handle(
        original: Callable[..., Any], host: str, path: str, *rest: Any, **more: Any
    ) -> Any:
        started = time.perf_counter()
        answer = await original(host, path, *rest, **more)
        parsed = parse(host, path)
        if answer is None or parsed is None or (scope := scope_of(parsed[0])) is None:
            return answer
        milliseconds = (time.perf_counter() - started) * 1000
        api_id, stage, _ = parsed
        name = apis.get_scoped(*scope, api_id)["name"]
        sink.put(
            Datum(_NAMESPACE, metric, value, unit, dimensions)
            for dimensions in ({"ApiName": name}, {"ApiName": name, "Stage": stage})
            for metric, value, unit in _values(answer[0], milliseconds)
        )
        return answer

    replace(_GAP, app, "_handle_execute_api_request", _PARAMETERS, partial(partial, handle))


def _values(status: int, milliseconds: float) -> list[tuple[str, float, str]]:
    return [
        ("Count", 1.0, "Count"),
        ("4XXError", float(400 <= status < 500), "Count"),
        ("5XXError", float(status >= 500), "Count"),
        ("Latency", milliseconds, "Milliseconds"),
    ]
