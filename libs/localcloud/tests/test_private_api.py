"""Contract of the gaps ``source_vpce`` and ``principal_arn``, seen from a private REST API."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from trunkline_localcloud import LocalCloud

Client = Callable[..., Any]

_CALLEE = """
def handler(event, context):
    return {"statusCode": 200, "body": event["requestContext"]["identity"]["userArn"]}
"""
_CALLER = """
import os
def handler(event, context):
    return [os.environ["AWS_" + key] for key in
            ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")]
"""


@dataclass
class Api:
    """A private API and what may call it."""

    url: str
    http: urllib3.PoolManager
    call: Callable[..., urllib3.BaseHTTPResponse]
    inside: Credentials
    """Of a declared caller in the endpoint's VPC."""
    outside: Credentials
    """Of a function with the same permissions, outside every VPC."""
    undeclared: Credentials
    """Of a function in the VPC whose role the API does not know."""


@pytest.fixture(scope="module")
def vpc(client: Client) -> tuple[str, str]:
    """A VPC's subnet, and its interface endpoint for execute-api."""
    ec2 = client("ec2")
    vpc_id = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    endpoint = ec2.create_vpc_endpoint(
        VpcId=vpc_id,
        VpcEndpointType="Interface",
        ServiceName="com.amazonaws.eu-central-1.execute-api",
        SubnetIds=[subnet],
    )
    return subnet, endpoint["VpcEndpoint"]["VpcEndpointId"]


@pytest.fixture(scope="module")
def api(
    cloud: LocalCloud,
    client: Client,
    function: Callable[..., str],
    vpc: tuple[str, str],
    http: urllib3.PoolManager,
) -> Api:
    """A private API that admits one declared caller through one endpoint."""
    subnet, endpoint = vpc
    may_invoke = [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}]
    in_vpc = {"VpcConfig": {"SubnetIds": [subnet], "SecurityGroupIds": []}}
    callers = [
        function(_CALLER, statements=may_invoke, **in_vpc),
        function(_CALLER, statements=may_invoke),
        function(_CALLER, statements=may_invoke, **in_vpc),
    ]
    declared = [f"arn:aws:iam::{cloud.account_id}:role/{name}" for name in callers[:2]]
    everything = {"Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}
    gateway = client("apigateway")
    rest_api = gateway.create_rest_api(
        name="private",
        endpointConfiguration={"types": ["PRIVATE"], "vpcEndpointIds": [endpoint]},
        policy=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {"Effect": "Allow", **everything},
                    {
                        "Effect": "Deny",
                        **everything,
                        "Condition": {"StringNotEquals": {"aws:SourceVpce": endpoint}},
                    },
                    {
                        "Effect": "Deny",
                        **everything,
                        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": declared}},
                    },
                ],
            }
        ),
    )["id"]
    root = gateway.get_resources(restApiId=rest_api)["items"][0]["id"]
    item = gateway.create_resource(restApiId=rest_api, parentId=root, pathPart="items")["id"]
    method = {"restApiId": rest_api, "resourceId": item, "httpMethod": "GET"}
    gateway.put_method(**method, authorizationType="AWS_IAM")
    callee = client("lambda").get_function(FunctionName=function(_CALLEE))
    arn = callee["Configuration"]["FunctionArn"]
    path = f"2015-03-31/functions/{arn}/invocations"
    gateway.put_integration(
        **method,
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri=f"arn:aws:apigateway:{cloud.region}:lambda:path/{path}",
    )
    client("lambda").add_permission(
        FunctionName=arn,
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:{cloud.region}:{cloud.account_id}:{rest_api}/*",
    )
    gateway.create_deployment(restApiId=rest_api, stageName="v1")
    url = f"{cloud.endpoint}/restapis/{rest_api}/v1/_user_request_/items"

    def call(
        credentials: Credentials | None,
        *,
        service: str = "execute-api",
        region: str = cloud.region,
        headers: Mapping[str, str] = {},
    ) -> urllib3.BaseHTTPResponse:
        request = AWSRequest("GET", url, headers=dict(headers))
        if credentials is not None:
            SigV4Auth(credentials, service, region).add_auth(request)
        return http.request("GET", url, headers=dict(request.headers))

    found = []
    for name in callers:
        answer = client("lambda").invoke(FunctionName=name)["Payload"].read()
        found.append(Credentials(*json.loads(answer)))
    return Api(url, http, call, *found)


def test_declared_caller_in_the_vpc_is_admitted(api: Api) -> None:
    """A declared caller's function inside the endpoint's VPC reaches the API."""
    answer = api.call(api.inside)
    assert answer.status == 200
    assert ":assumed-role/" in answer.data.decode()


def test_same_permissions_outside_the_vpc_are_refused(api: Api) -> None:
    """Without the endpoint the resource policy denies, although the role is declared."""
    answer = api.call(api.outside)
    assert answer.status == 403
    assert "explicit deny" in answer.json()["Message"]


def test_undeclared_caller_is_refused(api: Api) -> None:
    """A role that the API does not name is denied by aws:PrincipalArn, even inside the VPC."""
    assert api.call(api.undeclared).status == 403


def test_administrator_is_refused(api: Api, cloud: LocalCloud) -> None:
    """Nobody outside the VPC gets in, whatever they may do otherwise."""
    administrator = Credentials(cloud.admin_access_key, cloud.admin_secret_key)
    assert api.call(administrator).status == 403


@pytest.mark.parametrize("name", ["x-amzn-vpce-id", "x-amz-source-vpce", "x-forwarded-for"])
def test_headers_cannot_pretend(api: Api, vpc: tuple[str, str], name: str) -> None:
    """No header makes a call come through the endpoint."""
    assert api.call(api.outside, headers={name: vpc[1]}).status == 403


def test_unsigned_call_is_refused(api: Api) -> None:
    """A call without a signature gets AWS's answer."""
    answer = api.call(None)
    assert answer.status == 403
    assert answer.json() == {"message": "Missing Authentication Token"}
    assert answer.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"


def test_forged_signature_is_refused(api: Api) -> None:
    """A signature with another secret gets AWS's answer."""
    forged = Credentials(api.inside.access_key, "forged", api.inside.token)
    answer = api.call(forged)
    assert answer.status == 403
    assert "signature we calculated does not match" in answer.json()["message"]


def test_unknown_key_is_refused(api: Api) -> None:
    """A key that this cloud did not issue gets AWS's answer."""
    answer = api.call(Credentials("ASIAUNKNOWNUNKNOWN12", "secret", "token"))
    assert answer.status == 403
    message = "The security token included in the request is invalid."
    assert answer.json() == {"message": message}


@pytest.mark.parametrize(
    ("scope", "part"),
    [({"region": "us-east-1"}, "us-east-1"), ({"service": "lambda"}, "execute-api")],
)
def test_wrong_scope_is_refused(api: Api, scope: dict[str, str], part: str) -> None:
    """A signature for another region or service gets AWS's answer."""
    answer = api.call(api.inside, **scope)
    assert answer.status == 403
    assert "Credential should be scoped to" in answer.json()["message"]
    assert f"'{part}'" in answer.json()["message"]


def test_expired_signature_is_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signature of long ago gets AWS's answer."""
    long_ago = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda **_: long_ago)
    answer = api.call(api.inside)
    assert answer.status == 403
    assert answer.json()["message"].startswith("Signature expired: ")


def test_other_policies_see_the_endpoint(
    client: Client, function: Callable[..., str], vpc: tuple[str, str], cloud: LocalCloud
) -> None:
    """The policy of a queue sees the VPC's endpoint for SQS."""
    subnet, _ = vpc
    ec2 = client("ec2")
    vpc_id = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"]
    endpoint = ec2.create_vpc_endpoint(
        VpcId=vpc_id,
        VpcEndpointType="Interface",
        ServiceName="com.amazonaws.eu-central-1.sqs",
        SubnetIds=[subnet],
    )["VpcEndpoint"]["VpcEndpointId"]
    queue = client("sqs").create_queue(QueueName="through-endpoint")["QueueUrl"]
    client("sqs").set_queue_attributes(
        QueueUrl=queue,
        Attributes={
            "Policy": json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": {
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "sqs:SendMessage",
                        "Resource": "*",
                        "Condition": {"StringNotEquals": {"aws:SourceVpce": endpoint}},
                    },
                }
            )
        },
    )
    may_send = [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}]
    in_vpc = {"VpcConfig": {"SubnetIds": [subnet], "SecurityGroupIds": []}}

    def send(name: str) -> int:
        answer = client("lambda").invoke(FunctionName=name)["Payload"].read()
        key, secret, token = json.loads(answer)
        sqs = client(
            "sqs", aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token
        )
        try:
            sqs.send_message(QueueUrl=queue, MessageBody="x")
        except sqs.exceptions.ClientError as refusal:
            return int(refusal.response["ResponseMetadata"]["HTTPStatusCode"])
        return 200

    assert send(function(_CALLER, statements=may_send, **in_vpc)) == 200
    assert send(function(_CALLER, statements=may_send)) == 403
