"""What a customer key encrypts is read and written by those alone who may use the key.

DynamoDB, S3, Secrets Manager, SNS, SQS and Parameter Store use a customer managed key in the
caller's name: the caller's policies and the key's policy must allow it, with ``kms:ViaService``
naming the service and with the service's own encryption context
(https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service,
and for each service its page on encryption at rest).
MiniStack keeps the keys' names and never asks.
Here a call that was allowed is asked for the key as well. Other than AWS, which remembers a
DynamoDB table's key for five minutes, this asks every time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from trunkline_localcloud.callers import request_body
from trunkline_localcloud.patching import expect, replace
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "kms_through_services"
_ENFORCE = ("access_key_id", "iam_action", "service", "region", "resource_arn", "service_context")
_DECRYPT, _GENERATE = "kms:Decrypt", "kms:GenerateDataKey"
_CODES = {"sqs": "KmsAccessDenied", "sns": "KMSAccessDenied"}
_ERROR_CODE = "AccessDeniedException"
_USES_TABLE = frozenset(
    {
        "dynamodb:BatchGetItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:ConditionCheckItem",
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:GetRecords",
        "dynamodb:PartiQLDelete",
        "dynamodb:PartiQLInsert",
        "dynamodb:PartiQLSelect",
        "dynamodb:PartiQLUpdate",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "dynamodb:UpdateItem",
    }
)
_refused_key: ContextVar[tuple[str, str] | None] = ContextVar("refused_key", default=None)


@dataclass(frozen=True)
class _Use:
    """A use of a key that a call implies."""

    key: str | None
    actions: tuple[str, ...]
    context: Mapping[str, str] = field(default_factory=dict)


_Finder = Callable[[str, str], _Use | None]


def install(_settings: CloudSettings) -> None:
    """Ask for the key too, and say so when it is refused."""
    from ministack.core import iam_actions, iam_evaluator
    from ministack.services import kms

    find_key = expect(_GAP, kms, "_resolve_key", ("key_id_or_arn",))
    expect(_GAP, iam_actions, "access_denied_response")
    replace(_GAP, iam_evaluator, "enforce", _ENFORCE, partial(partial, _enforce, find_key))
    iam_actions.access_denied_response = partial(
        _answer, iam_actions.access_denied_response, iam_actions.identity_denial_message
    )


def _enforce(
    find_key: Callable[[str], Mapping[str, Any] | None],
    original: Callable[..., Any],
    access_key_id: str,
    iam_action: str,
    service: str,
    region: str,
    resource_arn: str = "*",
    service_context: dict[str, Any] | None = None,
) -> Any:
    _refused_key.set(None)
    denied = original(access_key_id, iam_action, service, region, resource_arn, service_context)
    finder = _FINDERS.get(service)
    if denied is not None or finder is None or not resource_arn.startswith("arn:"):
        return denied
    use = finder(iam_action, resource_arn)
    key = find_key(use.key) if use is not None and use.key else None
    if use is None or key is None:
        return None
    context = {f"kms:EncryptionContext:{name}": value for name, value in use.context.items()}
    context["kms:EncryptionContextKeys"] = list(use.context)  # type: ignore[assignment]
    context["kms:CallerAccount"] = key["Arn"].split(":")[4]
    context["kms:ViaService"] = f"{_endpoint(service)}.{region}.amazonaws.com"
    for action in use.actions:
        denied = original(access_key_id, action, "kms", region, key["Arn"], context)
        if denied is not None:
            _refused_key.set((action, key["Arn"]))
            return denied
    return None


def _answer(
    original: Callable[..., Any],
    wording: Callable[..., str],
    service: str,
    action: str,
    principal_arn: str,
    request_id: str,
    **options: Any,
) -> Any:
    if refused := _refused_key.get():
        action, key_arn = refused
        explicit = options.get("explicit_deny", False)
        options["message"] = wording(action, principal_arn, key_arn, explicit)
        options["error_code"] = _CODES.get(service, _ERROR_CODE if service == "ssm" else "")
    return original(service, action, principal_arn, request_id, **options)


def _endpoint(service: str) -> str:
    return "dynamodb" if service == "dynamodbstreams" else service


def _of_table(action: str, resource_arn: str) -> _Use | None:
    from ministack.services import dynamodb

    if action not in _USES_TABLE:
        return None
    name = resource_arn.partition(":table/")[2].partition("/")[0]
    table = expect(_GAP, dynamodb, "_tables").get(name) or {}
    key = (table.get("SSEDescription") or {}).get("KMSMasterKeyArn")
    return _Use(key, (_DECRYPT,), {"aws:dynamodb:tableName": name})


def _of_queue(action: str, resource_arn: str) -> _Use | None:
    from ministack.services import sqs

    actions = {"sqs:SendMessage": (_GENERATE, _DECRYPT), "sqs:ReceiveMessage": (_DECRYPT,)}
    if action not in actions:
        return None
    queue = expect(_GAP, sqs, "_queue_by_arn", ("arn",))(resource_arn) or {}
    key = queue.get("attributes", {}).get("KmsMasterKeyId")
    return _Use(key, actions[action], {"aws:sqs:arn": resource_arn})


def _of_topic(action: str, resource_arn: str) -> _Use | None:
    from ministack.services import sns

    if action != "sns:Publish":
        return None
    topic = expect(_GAP, sns, "_topic_by_arn_any_scope", ("topic_arn",))(resource_arn) or {}
    key = topic.get("attributes", {}).get("KmsMasterKeyId")
    return _Use(key, (_GENERATE, _DECRYPT), {"aws:sns:topicArn": resource_arn})


def _of_secret(action: str, resource_arn: str) -> _Use | None:
    from ministack.services import secretsmanager

    reads = action in ("secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue")
    writes = action in ("secretsmanager:PutSecretValue", "secretsmanager:UpdateSecret")
    if not reads and not writes:
        return None
    if action == "secretsmanager:UpdateSecret" and not _has_value(request_body()):
        return None
    _, secret = expect(_GAP, secretsmanager, "_resolve")(resource_arn)
    actions = (_DECRYPT,) if reads else (_GENERATE, _DECRYPT)
    return _Use((secret or {}).get("KmsKeyId"), actions, {"SecretARN": resource_arn})


def _has_value(content: Mapping[str, Any]) -> bool:
    return "SecretString" in content or "SecretBinary" in content


def _of_parameter(action: str, resource_arn: str) -> _Use | None:
    from ministack.services import ssm

    if action not in ("ssm:GetParameter", "ssm:GetParameters", "ssm:GetParameterHistory"):
        return None
    if not request_body().get("WithDecryption"):
        return None
    name = resource_arn.partition(":parameter")[2]
    parameters = expect(_GAP, ssm, "_parameters")
    parameter = parameters.get(name) or parameters.get(name.removeprefix("/")) or {}
    if parameter.get("Type") != "SecureString":
        return None
    return _Use(parameter.get("KeyId"), (_DECRYPT,), {"PARAMETER_ARN": resource_arn})


def _of_object(action: str, resource_arn: str) -> _Use | None:
    from ministack.services import s3

    actions = {"s3:GetObject": (_DECRYPT,), "s3:PutObject": (_GENERATE,)}
    if action not in actions:
        return None
    bucket = resource_arn.removeprefix("arn:aws:s3:::").partition("/")[0]
    headers = expect(_GAP, s3, "_bucket_default_sse_headers", ("bucket_name",))(bucket)
    key = headers.get("x-amz-server-side-encryption-aws-kms-key-id")
    return _Use(key, actions[action], {"aws:s3:arn": f"arn:aws:s3:::{bucket}"})


_FINDERS: dict[str, _Finder] = {
    "dynamodb": _of_table,
    "dynamodbstreams": _of_table,
    "s3": _of_object,
    "secretsmanager": _of_secret,
    "sns": _of_topic,
    "sqs": _of_queue,
    "ssm": _of_parameter,
}
