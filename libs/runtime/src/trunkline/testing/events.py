"""The events that AWS sends to a function, as the harness makes them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from trunkline.identity import Caller
from trunkline.manifest import names

ACCOUNT = "123456789012"
REGION = "eu-central-1"
ENVIRONMENT = "test"


def api_event(
    method: str,
    path: str,
    body: Any = None,
    *,
    caller: Caller | None,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str | list[str]] | None = None,
    environment: str = ENVIRONMENT,
) -> dict[str, Any]:
    """What API Gateway sends for a request that it has authenticated.

    Args:
        method: the HTTP method.
        path: with its variables filled in.
        body: text or bytes as they are, anything else as JSON.
        caller: who it is; ``None`` for nobody, as if authentication were switched off.
        headers: of the request.
        query: query parameters.
        environment: part of the name of a calling service's role.
    """
    identity: dict[str, Any] = {"sourceIp": "192.0.2.1"}
    authorizer: dict[str, Any] = {}
    if caller is not None and caller.kind == "service":
        role = names.function(environment, caller.subject, "api")
        identity["userArn"] = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/session"
    elif caller is not None:
        authorizer["claims"] = {"sub": caller.subject, **caller.claims}
        if caller.groups:
            authorizer["claims"]["cognito:groups"] = ",".join(sorted(caller.groups))
        if caller.scopes:
            authorizer["claims"]["scope"] = " ".join(sorted(caller.scopes))
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": dict(headers or {}),
        "multiValueQueryStringParameters": {
            name: value if isinstance(value, list) else [value]
            for name, value in (query or {}).items()
        }
        or None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "identity": identity,
            "authorizer": authorizer,
        },
        "body": _text(body),
        "isBase64Encoded": False,
    }


def queue_record(
    body: str,
    *,
    receives: int = 1,
    attributes: Mapping[str, str] | None = None,
    receipt_handle: str = "",
    group: str | None = None,
) -> dict[str, Any]:
    """One record of what Lambda sends for messages of a queue; a FIFO queue's have a group."""
    ordering = {} if group is None else {"MessageGroupId": group}
    queue = "queue" if group is None else "queue.fifo"
    return {
        "messageId": str(uuid.uuid4()),
        "receiptHandle": receipt_handle,
        "body": body,
        "attributes": {"ApproximateReceiveCount": str(receives), **ordering},
        "messageAttributes": {
            name: {"stringValue": value, "dataType": "String"}
            for name, value in (attributes or {}).items()
        },
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}",
    }


def stream_record(item: Mapping[str, Any], number: int) -> dict[str, Any]:
    """One record of what Lambda sends for an item that was put into a table with a stream."""
    return {
        "eventName": "INSERT",
        "eventSource": "aws:dynamodb",
        "dynamodb": {"NewImage": dict(item), "SequenceNumber": f"{number:021}"},
    }


def _text(body: Any) -> str | None:
    if body is None or isinstance(body, str):
        return body
    if isinstance(body, bytes):
        return body.decode()
    return json.dumps(body)
