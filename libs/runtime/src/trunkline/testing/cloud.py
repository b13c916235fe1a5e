"""What a service's manifest asks for, made in an in-process AWS."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from moto import mock_aws

from trunkline.aws import clients
from trunkline.clients import guard, http
from trunkline.manifest import names, variables
from trunkline.manifest.model import (
    EmailNeed,
    EncryptNeed,
    Manifest,
    Need,
    PayloadNeed,
    SendNeed,
    Setting,
    Table,
)
from trunkline.telemetry import masking
from trunkline.testing.aws import MotoTransport
from trunkline.testing.events import ACCOUNT, ENVIRONMENT, REGION

_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
}

# Making a client takes longer than most tests; moto serves the same ones in every test.
_clients = clients.Clients(MotoTransport())


@contextmanager
def in_process_cloud(manifest: Manifest) -> Iterator[None]:
    """An AWS with the resources of one service, and the variables of its functions."""
    before = dict(os.environ)
    others = clients.use(_clients)
    http.reset()
    guard.reset()
    os.environ.pop("AWS_ENDPOINT_URL", None)
    os.environ.pop("AWS_PROFILE", None)
    os.environ.update(_CREDENTIALS)
    try:
        with mock_aws():
            os.environ.update(_resources(manifest))
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        clients.use(others)
        http.reset()
        masking.forget()


def _resources(manifest: Manifest) -> Mapping[str, str]:
    service = manifest.service
    found = {
        variables.ENVIRONMENT: ENVIRONMENT,
        variables.SERVICE: service,
        variables.FUNCTION: manifest.functions[0].name,
        variables.CALLERS: service,
        **{
            variables.live_setting(setting.name): _parameter(service, setting)
            for setting in manifest.settings
            if setting.live
        },
    }
    for table in manifest.tables:
        physical = names.table(ENVIRONMENT, service, table.name)
        clients.client("dynamodb").create_table(**_table(physical, table))
        found[variables.table(table.name)] = physical
    for secret in manifest.secrets:
        physical = names.secret(ENVIRONMENT, service, secret.name)
        clients.client("secretsmanager").create_secret(Name=physical, SecretString="unset")
        found[variables.secret(secret.name)] = physical
    if manifest.publishes:
        topic = names.topic(ENVIRONMENT, service)
        found[variables.TOPIC] = clients.client("sns").create_topic(Name=topic)["TopicArn"]
    for function in manifest.functions:
        if function.trigger in ("event", "tasks"):
            _queue(names.queue(ENVIRONMENT, service, function.name))
            _queue(names.dead_letter_queue(ENVIRONMENT, service, function.name))
    for need in {need for function in manifest.functions for need in function.needs}:
        found.update(_of_need(need, found))
    return found


def _of_need(need: Need, found: Mapping[str, str]) -> Mapping[str, str]:
    match need:
        case SendNeed():
            queue = names.queue(ENVIRONMENT, need.service, "tasks")
            return {variables.task_queue(need.service): _queue(queue)}
        case PayloadNeed() if variables.PAYLOADS not in found:
            return {variables.PAYLOADS: _bucket(f"payloads-{ACCOUNT}")}
        case EncryptNeed() if variables.DATA_KEY not in found:
            key = clients.client("kms").create_key()["KeyMetadata"]["Arn"]
            return {variables.DATA_KEY: str(key)}
        case EmailNeed():
            clients.client("sesv2").create_email_identity(EmailIdentity=need.sender)
    return {}


def _parameter(service: str, setting: Setting) -> str:
    name = names.setting_parameter(ENVIRONMENT, service, setting.name)
    clients.client("ssm").put_parameter(Name=name, Value=setting.default, Type="String")
    return name


def _bucket(name: str) -> str:
    where: Any = {"LocationConstraint": REGION}
    clients.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=where)
    return name


def _queue(name: str) -> str:
    return str(clients.client("sqs").create_queue(QueueName=name)["QueueUrl"])


def _table(physical: str, table: Table) -> dict[str, Any]:
    keys = [(table.partition_key, "HASH")]
    if table.sort_key is not None:
        keys.append((table.sort_key, "RANGE"))
    return {
        "TableName": physical,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in keys],
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
    }
