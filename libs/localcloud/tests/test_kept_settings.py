"""Contracts of the gaps that keep what a resource was created with."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

Client = Callable[..., Any]


def test_mock_integration_has_no_http_method(client: Client) -> None:
    """A MOCK integration is described without an HTTP method, one of Lambda with its own."""
    api = client("apigateway")
    api_id = api.create_rest_api(name="mock")["id"]
    (root,) = api.get_resources(restApiId=api_id)["items"]
    method = {"restApiId": api_id, "resourceId": root["id"], "httpMethod": "OPTIONS"}
    api.put_method(**method, authorizationType="NONE")
    made = api.put_integration(**method, type="MOCK")
    assert made.get("httpMethod") is None
    assert api.get_integration(**method).get("httpMethod") is None
    made = api.put_integration(**method, type="HTTP", integrationHttpMethod="POST", uri="http://x/")
    assert made["httpMethod"] == "POST"


def test_an_integrations_timeout_stays_a_number(client: Client) -> None:
    """A changed timeout is described as a number, although a patch carries text."""
    api = client("apigateway")
    api_id = api.create_rest_api(name="timeout")["id"]
    (root,) = api.get_resources(restApiId=api_id)["items"]
    method = {"restApiId": api_id, "resourceId": root["id"], "httpMethod": "GET"}
    api.put_method(**method, authorizationType="NONE")
    api.put_integration(**method, type="MOCK", timeoutInMillis=10000)
    change = {"op": "replace", "path": "/timeoutInMillis", "value": "11000"}
    api.update_integration(**method, patchOperations=[change])
    assert 11000 == api.get_integration(**method)["timeoutInMillis"]


def test_stage_without_access_logs_has_no_settings_for_them(client: Client) -> None:
    """Access log settings are there once they were set, not before."""
    api = client("apigateway")
    api_id = api.create_rest_api(name="stage")["id"]
    (root,) = api.get_resources(restApiId=api_id)["items"]
    method = {"restApiId": api_id, "resourceId": root["id"], "httpMethod": "GET"}
    api.put_method(**method, authorizationType="NONE")
    api.put_integration(**method, type="MOCK")
    deployment = api.create_deployment(restApiId=api_id)["id"]
    stage = {"restApiId": api_id, "stageName": "live"}
    made = api.create_stage(**stage, deploymentId=deployment)
    assert "accessLogSettings" not in made
    assert "accessLogSettings" not in api.get_stage(**stage)
    assert "accessLogSettings" not in api.get_stages(restApiId=api_id)["item"][0]
    destination = "arn:aws:logs:eu-central-1:000000000000:log-group:access"
    changes = [
        {"op": "replace", "path": "/accessLogSettings/destinationArn", "value": destination},
        {"op": "replace", "path": "/accessLogSettings/format", "value": "$context.requestId"},
    ]
    changed = api.update_stage(**stage, patchOperations=changes)
    assert destination == changed["accessLogSettings"]["destinationArn"]


def test_trail_keeps_the_tags_of_its_creation(client: Client) -> None:
    """Tags given to CreateTrail are listed."""
    trails, name = client("cloudtrail"), f"trail-{secrets.token_hex(4)}"
    client("s3").create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    tags = [{"Key": "owner", "Value": "audit"}]
    arn = trails.create_trail(Name=name, S3BucketName=name, TagsList=tags)["TrailARN"]
    (listed,) = trails.list_tags(ResourceIdList=[arn])["ResourceTagList"]
    assert tags == listed["TagsList"]


def test_stream_keeps_the_tags_of_its_creation(client: Client) -> None:
    """Tags given to CreateStream are listed."""
    kinesis, name = client("kinesis"), f"stream-{secrets.token_hex(4)}"
    kinesis.create_stream(StreamName=name, ShardCount=1, Tags={"owner": "clicks"})
    listed = kinesis.list_tags_for_stream(StreamName=name)["Tags"]
    assert listed == [{"Key": "owner", "Value": "clicks"}]


def test_identity_keeps_its_configuration_set(client: Client) -> None:
    """An e-mail identity's configuration set is kept on creating and on changing."""
    mail, address = client("sesv2"), f"{secrets.token_hex(4)}@example.com"
    for name in ("first", "second"):
        mail.create_configuration_set(ConfigurationSetName=f"{name}-{address.partition('@')[0]}")
    first, second = (f"{name}-{address.partition('@')[0]}" for name in ("first", "second"))
    mail.create_email_identity(EmailIdentity=address, ConfigurationSetName=first)
    assert first == mail.get_email_identity(EmailIdentity=address)["ConfigurationSetName"]
    mail.put_email_identity_configuration_set_attributes(
        EmailIdentity=address, ConfigurationSetName=second
    )
    assert second == mail.get_email_identity(EmailIdentity=address)["ConfigurationSetName"]
