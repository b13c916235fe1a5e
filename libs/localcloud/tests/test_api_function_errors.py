"""Contract of the gap ``api_function_errors``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import urllib3

from trunkline_localcloud import LocalCloud

Client = Callable[..., Any]

_SOURCE = """
def handler(event, context):
    match event["queryStringParameters"]["case"]:
        case "good": return {"statusCode": 201, "body": "made", "headers": {"x-kind": "good"}}
        case "error": raise ValueError("the secret is 42")
        case "nothing": return None
        case "no status": return {"body": "text"}
        case "body is no text": return {"statusCode": 200, "body": {"a": 1}}
"""


@pytest.fixture(scope="module")
def name(function: Callable[..., str]) -> str:
    """The function behind the API."""
    return function(_SOURCE)


@pytest.fixture(scope="module")
def url(client: Client, cloud: LocalCloud, name: str) -> str:
    """A public API with a proxy integration."""
    gateway = client("apigateway")
    api = gateway.create_rest_api(name="errors")["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    method = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
    gateway.put_method(**method, authorizationType="NONE")
    arn = f"arn:aws:lambda:{cloud.region}:{cloud.account_id}:function:{name}"
    path = f"2015-03-31/functions/{arn}/invocations"
    gateway.put_integration(
        **method,
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri=f"arn:aws:apigateway:{cloud.region}:lambda:path/{path}",
    )
    gateway.create_deployment(restApiId=api, stageName="v1")
    client("lambda").add_permission(
        FunctionName=name,
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )
    return f"{cloud.endpoint}/restapis/{api}/v1/_user_request_/"


def test_good_response_is_passed_on(http: urllib3.PoolManager, url: str) -> None:
    """Status, headers and body of a proxy response reach the client."""
    answer = http.request("GET", f"{url}?case=good")
    assert (answer.status, answer.data) == (201, b"made")
    assert answer.headers["x-kind"] == "good"


@pytest.mark.parametrize("case", ["error", "nothing", "no status", "body is no text"])
def test_failure_tells_the_client_nothing(http: urllib3.PoolManager, url: str, case: str) -> None:
    """An unhandled error and a response that is none are 502 without details."""
    answer = http.request("GET", url, fields={"case": case})
    assert answer.status == 502
    assert answer.json() == {"message": "Internal server error"}
    assert answer.headers["x-amzn-errortype"] == "InternalServerErrorException"


def test_throttled_function_is_an_internal_error(
    http: urllib3.PoolManager, url: str, client: Client, name: str
) -> None:
    """A throttled function is 500, not 429, which is API Gateway's own throttling."""
    client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    try:
        assert http.request("GET", f"{url}?case=good").status == 500
    finally:
        client("lambda").delete_function_concurrency(FunctionName=name)
