"""Contracts of the gaps ``api_claims`` and ``api_token_use``."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import urllib3

from trunkline_localcloud import LocalCloud

Client = Callable[..., Any]

_SOURCE = """
import json

def handler(event, context):
    return {"statusCode": 200, "body": json.dumps(event["requestContext"]["authorizer"]["claims"])}
"""
_PASSWORD = "Long-enough-1"


def _tokens(client: Client, pool: str, groups: tuple[str, ...]) -> dict[str, str]:
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
    found: dict[str, str] = signed_in["AuthenticationResult"]
    return found


@dataclass(frozen=True)
class Site:
    """An API with a Cognito authorizer, and somebody's tokens."""

    url: str
    tokens: dict[str, str]


@pytest.fixture(scope="module")
def site(client: Client, cloud: LocalCloud, function: Callable[..., str]) -> Site:
    """GET takes whoever has signed in, POST a token with the scope of every signed-in user."""
    name = function(_SOURCE)
    pool = client("cognito-idp").create_user_pool(
        PoolName="claims", UsernameAttributes=["email"], AutoVerifiedAttributes=["email"]
    )["UserPool"]
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
    arn = f"arn:aws:lambda:{cloud.region}:{cloud.account_id}:function:{name}"
    path = f"2015-03-31/functions/{arn}/invocations"
    for verb, scopes in (("GET", []), ("POST", ["aws.cognito.signin.user.admin"])):
        method = {"restApiId": api, "resourceId": root, "httpMethod": verb}
        gateway.put_method(
            **method,
            authorizationType="COGNITO_USER_POOLS",
            authorizerId=authorizer,
            authorizationScopes=scopes,
        )
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
    return Site(url, _tokens(client, pool["Id"], ("admins", "staff")))


def test_groups_are_joined_by_commas(site: Site, http: urllib3.PoolManager) -> None:
    """A function reads its caller's groups as AWS writes them, and other claims as text."""
    for verb, token in (("GET", "IdToken"), ("POST", "AccessToken")):
        answer = http.request(verb, site.url, headers={"Authorization": site.tokens[token]})
        assert answer.status == 200, answer.data
        claims = json.loads(answer.data)
        assert sorted(claims["cognito:groups"].split(",")) == ["admins", "staff"]
        assert {type(claim) for claim in claims.values()} == {str}


def test_a_route_takes_one_kind_of_token(site: Site, http: urllib3.PoolManager) -> None:
    """ID tokens where a route has no scopes, access tokens where it has."""
    for verb, token in (("GET", "AccessToken"), ("POST", "IdToken")):
        answer = http.request(verb, site.url, headers={"Authorization": site.tokens[token]})
        assert answer.status == 401
