"""Contract of the gap ``secret_rotation``."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from datetime import UTC
from typing import Any

import pytest
from botocore.exceptions import ClientError

from trunkline_localcloud import LocalCloud

Client = Callable[..., Any]
Eventually = Callable[..., Any]

# A package brings its own SDK; this one signs with the standard library alone.
_SIGNED = """
import datetime, hashlib, hmac, json, os, urllib.error, urllib.request

def call(action, **parameters):
    body = json.dumps(parameters).encode()
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    scope = [now[:8], os.environ["AWS_REGION"], "secretsmanager", "aws4_request"]
    url = os.environ["AWS_ENDPOINT_URL"]
    headers = {"host": url.split("//")[1], "x-amz-date": now,
               "x-amz-security-token": os.environ["AWS_SESSION_TOKEN"],
               "x-amz-target": "secretsmanager." + action}
    names = ";".join(headers)
    lines = [name + ":" + value for name, value in headers.items()]
    digest = hashlib.sha256(body).hexdigest()
    canonical = "\\n".join(["POST", "/", "", *lines, "", names, digest])
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = ("AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"]).encode()
    for each in (*scope, "\\n".join(["AWS4-HMAC-SHA256", now, "/".join(scope), digest])):
        mac = hmac.new(key, each.encode(), "sha256")
        key = mac.digest()
    credential = os.environ["AWS_ACCESS_KEY_ID"] + "/" + "/".join(scope)
    headers["authorization"] = ("AWS4-HMAC-SHA256 Credential=" + credential + ", SignedHeaders="
                                + names + ", Signature=" + mac.hexdigest())
    headers["content-type"] = "application/x-amz-json-1.1"
    with urllib.request.urlopen(urllib.request.Request(url + "/", body, headers)) as answer:
        return json.load(answer)
"""
_ROTATOR = """
import json, urllib.error
from signed import call

def handler(event, context):
    print(json.dumps(event))
    secret, token = event["SecretId"], event["ClientRequestToken"]
    pending = {"SecretId": secret, "VersionId": token, "VersionStage": "AWSPENDING"}
    if event["Step"] == "createSecret":
        try:
            call("GetSecretValue", **pending)
        except urllib.error.HTTPError as error:
            assert json.load(error)["__type"] == "ResourceNotFoundException"
            call("PutSecretValue", SecretId=secret, ClientRequestToken=token,
                 SecretString="rotated", VersionStages=["AWSPENDING"])
    elif event["Step"] == "testSecret":
        assert call("GetSecretValue", **pending)["SecretString"] == "EXPECTED"
    elif event["Step"] == "finishSecret":
        versions = call("DescribeSecret", SecretId=secret)["VersionIdsToStages"]
        current = next(v for v, stages in versions.items() if "AWSCURRENT" in stages)
        call("UpdateSecretVersionStage", SecretId=secret, VersionStage="AWSCURRENT",
             MoveToVersionId=token, RemoveFromVersionId=current)
"""


@pytest.fixture
def secret(client: Client) -> str:
    """The name of a secret whose value is ``first``."""
    name = f"secret-{secrets.token_hex(4)}"
    client("secretsmanager").create_secret(Name=name, SecretString="first")
    return name


@pytest.fixture
def rotator(
    client: Client,
    cloud: LocalCloud,
    function: Callable[..., str],
    package: Callable[..., bytes],
) -> Callable[..., str]:
    """Makes a rotation function and returns its ARN."""

    def make(*, fails: bool = False, permitted: bool = True) -> str:
        source = _ROTATOR.replace("EXPECTED", "something else" if fails else "rotated")
        name = function(
            source,
            statements=[{"Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*"}],
            Code={"ZipFile": package(app=source, signed=_SIGNED)},
        )
        if permitted:
            client("lambda").add_permission(
                FunctionName=name,
                StatementId="rotation",
                Action="lambda:InvokeFunction",
                Principal="secretsmanager.amazonaws.com",
                SourceAccount=cloud.account_id,
            )
        return f"arn:aws:lambda:{cloud.region}:{cloud.account_id}:function:{name}"

    return make


def _logged(client: Client, rotator: str, pattern: str) -> list[str]:
    group = f"/aws/lambda/{rotator.rpartition(':')[2]}"
    logs = client("logs")
    if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        return []
    found = logs.filter_log_events(logGroupName=group, filterPattern=pattern)
    return [event["message"] for event in found["events"]]


def test_rotation_calls_the_function_in_four_steps(
    client: Client, rotator: Callable[..., str], secret: str, eventually: Eventually
) -> None:
    """RotateSecret ends with the function's value current and the old one previous."""
    manager, arn = client("secretsmanager"), rotator()
    version = manager.rotate_secret(
        SecretId=secret, RotationLambdaARN=arn, RotationRules={"AutomaticallyAfterDays": 30}
    )["VersionId"]
    described = eventually(
        lambda: (found := manager.describe_secret(SecretId=secret)).get("LastRotatedDate") and found
    )
    assert "AWSCURRENT" in described["VersionIdsToStages"][version]
    assert (described["NextRotationDate"] - described["LastRotatedDate"]).days in (29, 30)
    assert manager.get_secret_value(SecretId=secret)["SecretString"] == "rotated"
    previous = manager.get_secret_value(SecretId=secret, VersionStage="AWSPREVIOUS")
    assert previous["SecretString"] == "first"
    events = [json.loads(line) for line in _logged(client, arn, "ClientRequestToken")]
    steps = ["createSecret", "setSecret", "testSecret", "finishSecret"]
    assert steps == [event["Step"] for event in events]
    assert {version} == {event["ClientRequestToken"] for event in events}
    assert {described["ARN"]} == {event["SecretId"] for event in events}


def test_failed_rotation_leaves_the_current_value(
    client: Client, rotator: Callable[..., str], secret: str, eventually: Eventually
) -> None:
    """When a step fails the old value stays current, and another rotation is refused."""
    manager, arn = client("secretsmanager"), rotator(fails=True)
    manager.rotate_secret(SecretId=secret, RotationLambdaARN=arn)
    eventually(lambda: _logged(client, arn, "AssertionError"))
    assert manager.get_secret_value(SecretId=secret)["SecretString"] == "first"
    with pytest.raises(ClientError, match="previous rotation isn't complete"):
        manager.rotate_secret(SecretId=secret)


def test_function_must_let_the_service_invoke_it(
    client: Client, rotator: Callable[..., str], secret: str
) -> None:
    """Without a permission for secretsmanager.amazonaws.com rotation is refused."""
    with pytest.raises(ClientError, match="cannot invoke the specified Lambda function"):
        client("secretsmanager").rotate_secret(
            SecretId=secret, RotationLambdaARN=rotator(permitted=False)
        )


def test_rotation_is_cancelled(client: Client, rotator: Callable[..., str], secret: str) -> None:
    """CancelRotateSecret turns rotation off and forgets the next date."""
    manager = client("secretsmanager")
    manager.rotate_secret(
        SecretId=secret,
        RotationLambdaARN=rotator(),
        RotationRules={"ScheduleExpression": "cron(0 8 1 * ? *)"},
        RotateImmediately=False,
    )
    due = manager.describe_secret(SecretId=secret)["NextRotationDate"].astimezone(UTC)
    assert (due.day, due.hour, due.minute) == (1, 8, 0)
    manager.cancel_rotate_secret(SecretId=secret)
    described = manager.describe_secret(SecretId=secret)
    assert described["RotationEnabled"] is False
    assert "NextRotationDate" not in described


def test_secret_without_a_value_has_none(client: Client) -> None:
    """A secret that was made without a value answers ResourceNotFoundException."""
    manager, name = client("secretsmanager"), f"secret-{secrets.token_hex(4)}"
    manager.create_secret(Name=name)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        manager.get_secret_value(SecretId=name)
