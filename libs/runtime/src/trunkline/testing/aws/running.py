"""A cloud that runs elsewhere, with the platform applied: the local cloud of ``./dev up``.

The service's code runs in the test's process, with the variables and the credentials of its own
functions, on its own tables and queues. So what is checked beside the code are the role's policies,
the names, and the real services' behaviour. Meanwhile the deployed functions of that service rest:
their triggers are switched off, else they would take the test's messages.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import urllib3
from botocore import credentials
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.session import Session

from trunkline.aws import clients
from trunkline.aws.sigv4 import Credentials
from trunkline.clients import guard, http
from trunkline.errors import NotInThisCloud
from trunkline.manifest import names
from trunkline.manifest.model import Function, Manifest, Table
from trunkline.telemetry import masking
from trunkline.testing.cloud import Email, surroundings

ENVIRONMENT = "local"
_PAUSE_SECONDS = 60.0
_LOOK_SECONDS = 0.1
_BATCH = 25
"""Items of one BatchWriteItem, by DynamoDB's limit."""


class _Keys(clients.Clients):
    """Clients with keys of their own, whatever the environment says."""

    def __init__(self, region: str, access_key: str, secret_key: str, token: str | None) -> None:
        super().__init__()
        self._keys = Credentials(access_key, secret_key, token)
        self._own = Session()
        self._own.set_config_variable("region", region)
        self._own.set_credentials(access_key, secret_key, token)

    def session(self) -> Session:
        """The session of these keys."""
        return self._own

    def credentials(self) -> Credentials:
        """These keys."""
        return self._keys


class RunningCloud:
    """The :class:`trunkline.testing.cloud.Cloud` of tests with ``--local-cloud``.

    Args:
        endpoint: of the local cloud. The administrator's keys and the region come from where
            botocore looks for them, for example ``AWS_ACCESS_KEY_ID``, and from ``AWS_REGION``.
    """

    environment = ENVIRONMENT
    in_process = False

    def __init__(self, endpoint: str) -> None:
        session = Session()
        found = session.get_credentials()
        region = os.environ.get("AWS_REGION") or session.get_config_variable("region")
        if found is None or region is None:
            raise NotInThisCloud(
                endpoint, "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION"
            )
        keys = found.get_frozen_credentials()
        self._endpoint = endpoint
        self._region = str(region)
        self._operator = _Keys(self._region, str(keys.access_key), str(keys.secret_key), keys.token)
        self._functions: dict[str, tuple[_Keys, dict[str, str]]] = {}
        self._paused: list[str] = []
        self._emails_before = 0

    @contextmanager
    def serving(self, manifest: Manifest) -> Iterator[None]:
        """The tables and dead-letter queues of a service, emptied."""
        http.reset()
        guard.reset()
        with surroundings(self._variables({}), self._operator):
            self._functions = {
                function.name: self._role_of(manifest.service, function)
                for function in manifest.functions
            }
            self._pause(manifest)
            self._empty(manifest)
            self._emails_before = len(self._control("GET", "emails"))
            for _, variables in self._functions.values():
                os.environ.update(variables)
            try:
                yield
            finally:
                self._empty(manifest)
        http.reset()
        masking.forget()

    @contextmanager
    def inside(self, function: str) -> Iterator[None]:
        """The variables of a function, and no others, and its role."""
        keys, variables = self._functions[function]
        with surroundings(self._variables(variables), keys):
            yield

    def client(self, service: str) -> Any:
        """A client with the administrator's rights."""
        return self._operator.get(service)

    def hidden_for(self, queue: str, receipt_handle: str) -> float:  # noqa: ARG002
        """Nobody can ask SQS, so the message is taken to come back at once."""
        return 0.0

    def emails(self) -> list[Email]:
        """The e-mails that the cloud's SES accepted since the service was served."""
        return [
            Email(mail["from"], ", ".join(mail["to"]), mail["subject"], mail["text"])
            for mail in self._control("GET", "emails")[self._emails_before :]
        ]

    def close(self) -> None:
        """Let the deployed functions work again."""
        with surroundings(self._variables({}), self._operator):
            for mapping in self._paused:
                self._switch(mapping, on=True)
        self._paused.clear()
        for keys in (self._operator, *(keys for keys, _ in self._functions.values())):
            keys.reset()

    def _variables(self, own: Mapping[str, str]) -> dict[str, str]:
        return {"AWS_ENDPOINT_URL": self._endpoint, "AWS_REGION": self._region, **own}

    def _role_of(self, service: str, function: Function) -> tuple[_Keys, dict[str, str]]:
        if function.name in self._functions:
            return self._functions[function.name]
        name = names.function(ENVIRONMENT, service, function.name)
        configuration = self.client("lambda").get_function_configuration(FunctionName=name)
        given = self._control("POST", "credentials", {"function": name})
        keys = _Keys(
            self._region,
            given["access_key_id"],
            given["secret_access_key"],
            given["session_token"],
        )
        return keys, dict(configuration["Environment"]["Variables"])

    def _pause(self, manifest: Manifest) -> None:
        functions = self.client("lambda")
        for function in manifest.functions:
            name = names.function(ENVIRONMENT, manifest.service, function.name)
            listed = functions.list_event_source_mappings(FunctionName=f"{name}:live")
            for mapping in listed["EventSourceMappings"]:
                if mapping["UUID"] not in self._paused and mapping["State"] != "Disabled":
                    self._paused.append(mapping["UUID"])
                    self._switch(mapping["UUID"], on=False)

    def _switch(self, mapping: str, *, on: bool) -> None:
        functions, wanted = self.client("lambda"), "Enabled" if on else "Disabled"
        functions.update_event_source_mapping(UUID=mapping, Enabled=on)
        end = time.monotonic() + _PAUSE_SECONDS
        while functions.get_event_source_mapping(UUID=mapping)["State"] != wanted:
            if time.monotonic() > end:
                raise NotInThisCloud(f"event source mapping {mapping}", f"it is not {wanted}")
            time.sleep(_LOOK_SECONDS)

    def _empty(self, manifest: Manifest) -> None:
        for table in manifest.tables:
            self._empty_table(names.table(ENVIRONMENT, manifest.service, table.name), table)
        for function in manifest.functions:
            if function.trigger in ("event", "tasks"):
                queue = names.dead_letter_queue(
                    ENVIRONMENT,
                    manifest.service,
                    function.name,
                    ordered=manifest.gets_ordered(function.name),
                )
                self._empty_queue(queue)

    def _empty_table(self, physical: str, table: Table) -> None:
        dynamodb = self.client("dynamodb")
        attributes = [name for name in (table.partition_key, table.sort_key) if name]
        request: dict[str, Any] = {"TableName": physical}
        while True:
            page = dynamodb.scan(**request)
            keys = [{name: item[name] for name in attributes} for item in page["Items"]]
            for start in range(0, len(keys), _BATCH):
                deletions = [
                    {"DeleteRequest": {"Key": key}} for key in keys[start : start + _BATCH]
                ]
                dynamodb.batch_write_item(RequestItems={physical: deletions})
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _empty_queue(self, name: str) -> None:
        sqs = self.client("sqs")
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def _control(self, method: str, path: str, body: Any = None) -> Any:
        """Call the local cloud's control API."""
        url = f"{self._endpoint}/_localcloud/{path}"
        request = AWSRequest(
            method,
            url,
            data=None if body is None else json.dumps(body),
            headers={"Content-Type": "application/json"},
        )
        keys = credentials.Credentials(*self._operator.credentials())
        SigV4Auth(keys, "localcloud", self._region).add_auth(request)
        answer = urllib3.request(method, url, body=request.body, headers=dict(request.headers))
        if answer.status != 200:
            raise NotInThisCloud(path, f"the control API answered {answer.status}")
        return answer.json()
