"""An AWS in this process: moto, with what a service's manifest asks for."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from moto.core.base_backend import BackendDict
from moto.core.models import botocore_stubber
from moto.sesv2.models import sesv2_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

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
from trunkline.testing.aws.moto_transport import MotoTransport
from trunkline.testing.cloud import Email, surroundings
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


class MotoCloud:
    """The :class:`trunkline.testing.cloud.Cloud` of unit tests; every service finds it empty."""

    environment = ENVIRONMENT
    in_process = True

    def __init__(self) -> None:
        self._service = ""
        self._ordered: frozenset[str] = frozenset()

    @contextmanager
    def serving(self, manifest: Manifest) -> Iterator[None]:
        """The resources of one service."""
        self._service = manifest.service
        self._ordered = frozenset(one.function for one in manifest.subscriptions if one.ordered)
        http.reset()
        guard.reset()
        with surroundings(_CREDENTIALS, _clients), _answering():
            os.environ.update(_resources(manifest))
            yield
        http.reset()
        masking.forget()

    @contextmanager
    def inside(self, function: str) -> Iterator[None]:
        """Sets the function's name and queues; the other variables are those of all functions."""
        ordered = function in self._ordered
        queue = names.queue(ENVIRONMENT, self._service, function, ordered=ordered)
        dead_letters = names.dead_letter_queue(
            ENVIRONMENT, self._service, function, ordered=ordered
        )
        found = {
            variables.FUNCTION: function,
            variables.QUEUE: _queue_url(queue),
            variables.DEAD_LETTER_QUEUE: _queue_url(dead_letters),
        }
        before = {name: os.environ.get(name) for name in found}
        os.environ.update(found)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value

    def client(self, service: str) -> Any:
        """The same client that the service's code has: moto asks for no rights."""
        return clients.client(service)

    def hidden_for(self, queue: str, receipt_handle: str) -> float:
        """By moto's records, in real time."""
        records = sqs_backends[ACCOUNT][REGION].queues[queue.rpartition("/")[2]]._messages
        now = time.time() * 1000
        return next(
            max(0.0, (message.visible_at - now) / 1000)
            for message in records
            if message.had_receipt_handle(receipt_handle)
        )

    def emails(self) -> list[Email]:
        """The e-mails handed to SES."""
        backend = sesv2_backends[ACCOUNT][REGION]
        return [
            Email(sent.source, ", ".join(sent.destinations["ToAddresses"]), sent.subject, sent.body)
            for sent in backend.core_backend.sent_messages
        ]


@contextmanager
def _answering() -> Iterator[None]:
    """Have moto answer botocore's requests, from empty records.

    That is what ``mock_aws`` does, less its 1,300 patterns for code that uses ``requests``.
    """
    before, botocore_stubber.enabled = botocore_stubber.enabled, True
    BackendDict.reset()
    try:
        yield
    finally:
        BackendDict.reset()
        botocore_stubber.enabled = before


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
    found |= _topics(manifest)
    for function in manifest.functions:
        if function.trigger in ("event", "tasks"):
            ordered = manifest.gets_ordered(function.name)
            for name in (names.queue, names.dead_letter_queue):
                _make_queue(name(ENVIRONMENT, service, function.name, ordered=ordered))
    for need in {need for function in manifest.functions for need in function.needs}:
        found.update(_of_need(need, found))
    return found


def _of_need(need: Need, found: Mapping[str, str]) -> Mapping[str, str]:
    match need:
        case SendNeed():
            queue = names.queue(ENVIRONMENT, need.service, "tasks")
            return {variables.task_queue(need.service): _make_queue(queue)}
        case PayloadNeed() if variables.PAYLOADS not in found:
            return {variables.PAYLOADS: _make_bucket(f"payloads-{ACCOUNT}")}
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


def _make_bucket(name: str) -> str:
    where: Any = {"LocationConstraint": REGION}
    clients.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=where)
    return name


def _topics(manifest: Manifest) -> dict[str, str]:
    found = {}
    if set(manifest.publishes) - set(manifest.ordered):
        found[variables.TOPIC] = _make_topic(manifest.service, ordered=False)
    if manifest.ordered:
        found[variables.ORDERED_TOPIC] = _make_topic(manifest.service, ordered=True)
    return found


def _make_topic(service: str, *, ordered: bool) -> str:
    name = names.topic(ENVIRONMENT, service, ordered=ordered)
    attributes = {"FifoTopic": "true"} if ordered else {}
    return str(sns_backends[ACCOUNT][REGION].create_topic(name, attributes).arn)


def _make_queue(name: str) -> str:
    # Straight into moto's records, as a request costs 3 ms and a service has many queues.
    attributes: dict[str, Any] = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
    sqs_backends[ACCOUNT][REGION].create_queue(name, **attributes)
    return _queue_url(name)


def _queue_url(name: str) -> str:
    return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"


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
