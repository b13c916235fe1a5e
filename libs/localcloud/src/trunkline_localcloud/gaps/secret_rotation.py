"""Secrets rotate by their function.

AWS makes a version labelled ``AWSPENDING`` and calls the rotation function in four steps, of which
the last moves ``AWSCURRENT``; again whenever the schedule says so
(https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets.html,
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html).
The function's policy must let ``secretsmanager.amazonaws.com`` invoke it, a version has no value
until one is put, and ``CancelRotateSecret`` turns rotation off.
MiniStack copies the current value to a new current version, calls nobody, keeps no schedule, knows
no ``CancelRotateSecret``, and reads a version without a value as an empty success.
Here the four steps run in the background. A failed rotation is not tried again before its next
date, and ``RotateImmediately=false`` saves AWS's trial run of ``testSecret``.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Any
from uuid import uuid4

from trunkline_localcloud.patching import expect, replace
from trunkline_localcloud.periodic import repeat
from trunkline_localcloud.rotation_schedule import next_rotation
from trunkline_localcloud.service_permissions import service_may
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "secret_rotation"
_SERVICE = "secretsmanager.amazonaws.com"
_STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
_SCHEDULE_CHECK_SECONDS = 5.0
_MAY_NOT_INVOKE = (
    "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy "
    f"grants access to the principal {_SERVICE}."
)
_DATES = ("LastRotatedDate", "NextRotationDate")

logger = logging.getLogger(__name__)
Secret = dict[str, Any]


def install(settings: CloudSettings) -> None:
    """Rotate by calling the function, on request and by schedule."""
    from ministack.services import secretsmanager

    rotation = _Rotation(secretsmanager)
    for name, replacement in {
        "_rotate_secret": rotation.rotate,
        "_get_secret_value": rotation.get_value,
        "_describe_secret": rotation.describe,
    }.items():
        replace(_GAP, secretsmanager, name, ("data",), partial(partial, replacement))
    replace(
        _GAP,
        secretsmanager,
        "handle_request",
        ("method", "path", "headers", "body", "query_params"),
        partial(partial, rotation.handle),
    )
    repeat(settings, _SCHEDULE_CHECK_SECONDS, rotation.rotate_what_is_due)


class _Rotation:
    """Rotation over MiniStack's records of secrets."""

    def __init__(self, secretsmanager: ModuleType) -> None:
        from ministack.core.concurrency import spawn_background
        from ministack.services import lambda_svc

        self._secrets = expect(_GAP, secretsmanager, "_secrets")
        self._resolve = expect(_GAP, secretsmanager, "_resolve", ("secret_id", "use_arn_scope"))
        self._remove_stage = expect(
            _GAP,
            secretsmanager,
            "_remove_stage_everywhere",
            ("secret", "stage", "except_version_id"),
        )
        self._is_replica = expect(_GAP, secretsmanager, "_is_replica", ("secret",))
        self._answer = expect(_GAP, secretsmanager, "json_response")
        self._refuse = expect(_GAP, secretsmanager, "error_response_json")
        self._function = expect(_GAP, lambda_svc, "_get_func_record_for_ref", ("function_ref",))
        self._record = expect(_GAP, lambda_svc, "_execution_record_for_config", ("func", "config"))
        self._lambda = lambda_svc
        self._in_background = spawn_background

    async def handle(
        self,
        original: Callable[..., Any],
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        query_params: Any,
    ) -> Any:
        if headers.get("x-amz-target", "").endswith(".CancelRotateSecret"):
            return self._cancel(json.loads(body))
        return await original(method, path, headers, body, query_params)

    def get_value(self, original: Callable[..., Any], data: Mapping[str, Any]) -> Any:
        answer = original(data)
        if answer[0] != 200:
            return answer
        content = json.loads(answer[2])
        wanted = data.get("VersionStage")
        if wanted and wanted not in content["VersionStages"]:
            message = (
                "You provided a VersionStage that is not associated to the provided VersionId."
            )
            return self._refuse("InvalidRequestException", message, 400)
        if "SecretString" not in content and "SecretBinary" not in content:
            label = f"staging label: {wanted or 'AWSCURRENT'}"
            message = f"Secrets Manager can't find the specified secret value for {label}"
            return self._refuse("ResourceNotFoundException", message, 400)
        return answer

    def describe(self, original: Callable[..., Any], data: Mapping[str, Any]) -> Any:
        status, headers, body = original(data)
        if status != 200:
            return status, headers, body
        _, secret = self._resolve(data["SecretId"])
        dates = {name: secret[name] for name in _DATES if secret.get(name)}
        return self._answer({**json.loads(body), **dates})

    def rotate(self, original: Callable[..., Any], data: Mapping[str, Any]) -> Any:
        _, secret = self._resolve(data.get("SecretId"))
        if not secret or secret.get("DeletedDate") or self._is_replica(secret):
            return original(data)  # which refuses
        function_arn = data.get("RotationLambdaARN") or secret.get("RotationLambdaARN")
        if refusal := self._refusal(secret, function_arn):
            return self._refuse(*refusal, 400)
        secret["RotationLambdaARN"] = function_arn
        secret["RotationEnabled"] = True
        if rules := data.get("RotationRules"):
            secret["RotationRules"] = rules
        secret["NextRotationDate"] = next_rotation(secret.get("RotationRules"), after=time.time())
        version_id = data.get("ClientRequestToken") or str(uuid4())
        if data.get("RotateImmediately", True):
            self._start(secret, version_id)
        return self._answer({"ARN": secret["ARN"], "Name": secret["Name"], "VersionId": version_id})

    def rotate_what_is_due(self) -> None:
        for secret in list(self._secrets.values()):
            due = secret.get("NextRotationDate")
            if secret.get("RotationEnabled") and due and due <= time.time():
                now = time.time()
                secret["NextRotationDate"] = next_rotation(secret.get("RotationRules"), after=now)
                self._start(secret, str(uuid4()))

    def _cancel(self, data: Mapping[str, Any]) -> Any:
        _, secret = self._resolve(data.get("SecretId"))
        if not secret:
            message = "Secrets Manager can't find the specified secret."
            return self._refuse("ResourceNotFoundException", message, 400)
        secret["RotationEnabled"] = False
        secret.pop("NextRotationDate", None)
        return self._answer({"ARN": secret["ARN"], "Name": secret["Name"]})

    def _refusal(self, secret: Secret, function_arn: str | None) -> tuple[str, str] | None:
        if not function_arn:
            return (
                "InvalidRequestException",
                "No Lambda rotation function ARN is associated with this secret.",
            )
        if _pending(secret):
            return (
                "InvalidRequestException",
                "A previous rotation isn't complete. That rotation will be reattempted.",
            )
        record, config, _name = self._function(function_arn)
        if (
            not record
            or not config
            or not service_may(
                _SERVICE, "lambda:InvokeFunction", function_arn, source_arn=secret["ARN"]
            )
        ):
            return "AccessDeniedException", _MAY_NOT_INVOKE
        return None

    def _start(self, secret: Secret, version_id: str) -> None:
        self._remove_stage(secret, "AWSPENDING", except_version_id=version_id)
        version = secret["Versions"].setdefault(
            version_id, {"CreatedDate": int(time.time()), "Stages": []}
        )
        if "AWSPENDING" not in version["Stages"]:
            version["Stages"].append("AWSPENDING")
        self._in_background(self._run, secret, version_id, thread_name="secret-rotation")

    def _run(self, secret: Secret, version_id: str) -> None:
        for step in _STEPS:
            if not secret.get("RotationEnabled"):
                logger.info("rotation of %s was cancelled", secret["Name"])
                return
            record, config, name = self._function(secret["RotationLambdaARN"])
            event = {"Step": step, "SecretId": secret["ARN"], "ClientRequestToken": version_id}
            result = self._lambda._execute_function_with_config_scope(
                self._record(record, config), event
            )
            if result.get("error") or result.get("throttle"):
                logger.warning(
                    "rotation of %s failed: %s did not end step %s: %s",
                    secret["Name"],
                    name,
                    step,
                    result.get("body"),
                )
                return
        secret["LastRotatedDate"] = int(time.time())


def _pending(secret: Secret) -> bool:
    """Whether a version is pending that is not the current one."""
    return any(
        "AWSPENDING" in version["Stages"] and "AWSCURRENT" not in version["Stages"]
        for version in secret["Versions"].values()
    )
