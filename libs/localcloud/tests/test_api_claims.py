"""Contract of the gap ``api_claims``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import urllib3

from trunkline_localcloud import LocalCloud

Client = Callable[..., Any]

_SOURCE = """
import json

def handler(event, context):
    return {"statusCode": 200, "body": json.dumps(event["requestContext"]["authorizer"]["claims"])}
"""
_PASSWORD = "Long-enough-1"


def _id_token(client: Client, pool: str, groups: tuple[str, ...]) -> str:
    users = client("cognito-idp")
    app = users.create_user_pool_client(
        UserPoolId=pool,
        ClientName="app",
        ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )["UserPoolClient"]["ClientId"]
    someone = {"UserPoolId": pool, "Username": "ann@example.com"}
    users.admin_create_user(
        **someone,
        UserAttributes=[{"Name": "email", "Value": "ann@example.com"}],
        MessageAction="SUPPRESS",
    )
    users.admin_set_user_password(**someone, Password=_PASSWORD, Permanent=True)
    for group in groups:
        users.create_group(UserPoolId=pool, GroupName=group)
        users.admin_add_user_to_group(**someone, GroupName=group)
    signed_in = users.admin_initiate_auth(
        UserPoolId=pool,
        ClientId=app,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "ann@example.com", "PASSWORD": _PASSWORD},
    )
    return str(signed_in["AuthenticationResult"]["IdToken"])


def test_groups_are_joined_by_commas(
    client: Client, cloud: LocalCloud, http: urllib3.PoolManager, function: Callable[..., str]
) -> None:
    """A function reads its caller's groups as AWS writes them, and other claims as text."""
    name = function(_SOURCE)
    pool = client("cognito-idp").create_user_pool(
        PoolName="claims", UsernameAttributes=["email"], AutoVerifiedAttributes=["email"]
    )["UserPool"]
    token = _id_token(client, pool["Id"], ("admins", "staff"))
    gateway = client("apigateway")
    api = gateway.create_rest_api(name="claims")["id"]
    authorizer = gateway.create_authorizer(
        restApiId=api,
        name="customers",
        type="COGNITO_USER_POOLS",
        providerARNs=[pool["Arn"]],
        identitySource="method.request.header.Authorization",
    )["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    method = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
    gateway.put_method(**method, authorizationType="COGNITO_USER_POOLS", authorizerId=authorizer)
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
    url = f"{cloud.endpoint}/restapis/{api}/v1/_user_request_/"
    answer = http.request("GET", url, headers={"Authorization": token})
    assert answer.status == 200, answer.data
    claims = json.loads(answer.data)
    assert sorted(claims["cognito:groups"].split(",")) == ["admins", "staff"]
    assert {type(claim) for claim in claims.values()} == {str}
