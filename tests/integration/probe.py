"""Runs in the local cloud with another function's role: one AWS call, or one HTTP request."""

from __future__ import annotations

import datetime as dt
import os
from typing import Any
from unittest import mock

import botocore.auth
import botocore.session
import urllib3
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return _aws(event) if "operation" in event else _http(event)


def _aws(event: dict[str, Any]) -> dict[str, Any]:
    try:
        getattr(_client(event["service"]), event["operation"])(**event["parameters"])
    except ClientError as error:
        return {"code": error.response["Error"]["Code"]}
    return {"code": "OK"}


def _client(service: str) -> Any:
    return botocore.session.get_session().create_client(service, os.environ["AWS_REGION"])


def _http(event: dict[str, Any]) -> dict[str, Any]:
    """Make a request.

    ``sign``: "good" (default), "none", "forged" or "expired"; ``service``, ``region``: its scope.
    """
    session = botocore.session.get_session()
    credentials = session.get_credentials().get_frozen_credentials()
    sign = event.get("sign", "good")
    secret = "0" * 40 if sign == "forged" else credentials.secret_key
    request = AWSRequest(
        method=event["method"],
        url=event["url"],
        data=event.get("body"),
        headers={"Content-Type": "application/json", **event.get("headers", {})},
    )
    if sign != "none":
        signer = botocore.auth.SigV4Auth(
            Credentials(credentials.access_key, secret, credentials.token),
            event.get("service", "execute-api"),
            event.get("region", os.environ["AWS_REGION"]),
        )
        age = dt.timedelta(minutes=20 if sign == "expired" else 0)
        then = dt.datetime.now(dt.UTC) - age
        with mock.patch("botocore.auth.get_current_datetime", return_value=then):
            signer.add_auth(request)
    answer = urllib3.request(
        request.method, request.url, body=request.body, headers=dict(request.headers), retries=False
    )
    return {"status": answer.status, "body": answer.data.decode()}
