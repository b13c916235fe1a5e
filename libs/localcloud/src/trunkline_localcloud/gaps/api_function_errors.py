"""What API Gateway answers when the function behind a proxy integration fails.

AWS tells a client nothing of it: 502 "Internal server error" for an unhandled error, a timeout or
a response that is none, 500 when the function is throttled
(https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html#api-gateway-simple-proxy-for-lambda-output-format,
https://docs.aws.amazon.com/apigateway/latest/developerguide/handle-errors-in-lambda-integration.html).
MiniStack answers with the error's message and stack trace, makes a response out of any value, and
says 429 when the function is throttled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from trunkline_localcloud.patching import replace
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "api_function_errors"
_HEADERS = {
    "Content-Type": "application/json",
    "x-amzn-ErrorType": "InternalServerErrorException",
}
_BODY = json.dumps({"message": "Internal server error"})


def install(_settings: CloudSettings) -> None:
    """Answer as AWS does."""
    from ministack.services import apigateway_v1

    replace(_GAP, apigateway_v1, "_lambda_proxy_response", ("result",), lambda _original: _response)


def _response(result: Mapping[str, Any]) -> tuple[Mapping[str, Any], None]:
    """The proxy response to pass on, and MiniStack's error message, which there never is."""
    answer: Any = result.get("body")
    if result.get("throttle"):
        return _failure(500), None
    if result.get("error") or not _is_proxy_response(answer):
        return _failure(502), None
    return answer, None


def _failure(status: int) -> dict[str, Any]:
    return {"statusCode": status, "headers": _HEADERS, "body": _BODY}


def _is_proxy_response(answer: Any) -> bool:
    if not isinstance(answer, Mapping) or not isinstance(answer.get("body", ""), str | None):
        return False
    return str(answer.get("statusCode", "")).isdigit()
