"""Problems on the wire, as RFC 9457 says."""

from __future__ import annotations

import json
import math
from typing import Any

from trunkline.api.request import Response
from trunkline.errors import MethodNotAllowed, Problem

CONTENT_TYPE = "application/problem+json"


def problem_response(problem: Problem, *, instance: str, trace_id: str | None) -> Response:
    """The answer that tells a caller about a problem.

    Args:
        problem: what happened.
        instance: the request's path.
        trace_id: lets the caller's report be found in traces and logs.
    """
    content: dict[str, Any] = {
        "type": problem.type_uri(),
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "instance": instance,
        "errors": list(problem.errors) or None,
        "trace_id": trace_id,
    }
    headers = {"Content-Type": CONTENT_TYPE}
    if problem.retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(problem.retry_after)))
    if isinstance(problem, MethodNotAllowed):
        headers["Allow"] = ", ".join(problem.allowed)
    body = {name: value for name, value in content.items() if value is not None}
    return Response(problem.status, json.dumps(body, ensure_ascii=False), headers)
