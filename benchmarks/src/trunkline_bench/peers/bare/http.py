"""API Gateway's proxy integration by hand.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

import json
from typing import Any


def answer(status: int, body: Any) -> dict[str, Any]:
    """A response with a JSON body."""
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json"},
        "body": body if isinstance(body, str) else json.dumps(body),
        "isBase64Encoded": False,
    }


def headers_of(event: dict[str, Any]) -> dict[str, str]:
    """The headers with lower-case names."""
    return {name.lower(): value for name, value in event["headers"].items()}
