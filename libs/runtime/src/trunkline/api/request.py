"""Requests and responses of API Gateway's proxy integration (REST APIs, payload version 1.0).

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trunkline.errors import InvalidRequest


@dataclass(frozen=True)
class Request:
    """One HTTP request."""

    method: str
    resource: str
    """The matched resource with its variables, ``/orders/{order_id}``."""
    path: str
    path_parameters: Mapping[str, str]
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    """Names in lower case; of a repeated header the last one."""
    body: bytes
    identity: Mapping[str, Any]
    claims: Mapping[str, Any] | None
    """A signed-in customer's verified claims."""

    @classmethod
    def read(cls, event: Mapping[str, Any], headers: Mapping[str, str]) -> Request:
        """Read API Gateway's event.

        Args:
            event: as Lambda gives it.
            headers: its headers, by :func:`headers_of`.

        Raises:
            InvalidRequest: the body is said to be base64 and is not.
        """
        context = event.get("requestContext") or {}
        authorizer = context.get("authorizer") or {}
        claims = authorizer.get("claims")
        query = event.get("multiValueQueryStringParameters") or {
            name: [value] for name, value in (event.get("queryStringParameters") or {}).items()
        }
        return cls(
            method=str(event.get("httpMethod", "")).upper(),
            resource=str(event.get("resource") or ""),
            path=str(event.get("path") or "/"),
            path_parameters=event.get("pathParameters") or {},
            query=query,
            headers=headers,
            body=_body(event),
            identity=context.get("identity") or {},
            claims=claims if isinstance(claims, Mapping) else None,
        )


@dataclass(frozen=True)
class Response:
    """One HTTP response with a JSON body."""

    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def event(self) -> dict[str, Any]:
        """What API Gateway expects."""
        return {
            "statusCode": self.status,
            "headers": dict(self.headers),
            "body": self.body,
            "isBase64Encoded": False,
        }


def headers_of(event: Mapping[str, Any]) -> dict[str, str]:
    """The headers of API Gateway's event; names in lower case, of a repeated one the last."""
    headers = event.get("headers")
    if not isinstance(headers, Mapping):
        return {}
    return {str(name).lower(): str(value) for name, value in headers.items()}


def _body(event: Mapping[str, Any]) -> bytes:
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(body).encode()
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest("the body is no base64") from error
