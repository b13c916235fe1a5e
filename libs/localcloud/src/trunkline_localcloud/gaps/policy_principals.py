"""Policies name principals that exist.

AWS refuses a policy whose principal is malformed or does not exist, each service in its own words
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html), so
that a policy may not be applied before the role that it names. MiniStack accepts any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from trunkline_localcloud.patching import expect, replace, replace_entry
from trunkline_localcloud.principals import invalid_principal
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "policy_principals"
Handler = Callable[..., Any]
Policies = Callable[..., Iterator[str | None]]
Refuse = Callable[[str], Any]


def install(_settings: CloudSettings) -> None:
    """Refuse such policies, wherever they are put."""
    _guard_iam()
    _guard_kms()
    _guard_s3()
    _guard_sqs()
    _guard_sns()
    _guard_secrets()
    _guard_apis()
    _guard_functions()


def _guarded(policies: Policies, refuse: Refuse, original: Handler, *args: Any, **more: Any) -> Any:
    for policy in policies(*args, **more):
        if policy and (principal := invalid_principal(policy)):
            return refuse(principal)
    return original(*args, **more)


def _guard(policies: Policies, refuse: Refuse) -> Callable[[Handler], Handler]:
    return lambda original: partial(_guarded, policies, refuse, original)


def _guard_iam() -> None:
    from ministack.services import iam

    refused = expect(_GAP, iam, "_error", ("status", "code", "message", "ns"))
    one = expect(_GAP, iam, "_p")

    def refuse(principal: str) -> Any:
        return refused(400, "MalformedPolicyDocument", f"Invalid principal in policy: {principal}")

    for operation, parameter in {
        "CreateRole": "AssumeRolePolicyDocument",
        "UpdateAssumeRolePolicy": "PolicyDocument",
    }.items():
        policies = partial(_parameter, one, parameter)
        replace_entry(_GAP, iam._IAM_HANDLERS, operation, ("p",), _guard(policies, refuse))


def _parameter(one: Callable[..., str], name: str, p: Mapping[str, Any]) -> Iterator[str | None]:
    yield one(p, name)


def _guard_kms() -> None:
    from ministack.services import kms

    refused = expect(_GAP, kms, "error_response_json")

    def refuse(_principal: str) -> Any:
        message = "Policy contains a statement with one or more invalid principals."
        return refused("MalformedPolicyDocumentException", message, 400)

    for name in ("_create_key", "_put_key_policy"):
        replace(_GAP, kms, name, ("data",), _guard(lambda data: iter([data.get("Policy")]), refuse))


def _guard_s3() -> None:
    from ministack.services import s3

    refused = expect(_GAP, s3, "_error")

    def policies(_name: str, body: bytes) -> Iterator[str]:
        yield body.decode(errors="replace")

    def refuse(_principal: str) -> Any:
        return refused("MalformedPolicy", "Invalid principal in policy", 400)

    replace(_GAP, s3, "_put_bucket_policy", ("name", "body"), _guard(policies, refuse))


def _guard_sqs() -> None:
    from ministack.services import sqs

    error = expect(_GAP, sqs, "_Err")

    def policies(data: Mapping[str, Any], _queue_url: str) -> Iterator[str | None]:
        yield (data.get("Attributes") or {}).get("Policy")

    def refuse(_principal: str) -> Any:
        raise error("InvalidAttributeValue", "Invalid value for the parameter Policy.", 400)

    for operation, last in {"CreateQueue": "_u", "SetQueueAttributes": "qurl"}.items():
        replace_entry(_GAP, sqs._HANDLERS, operation, ("data", last), _guard(policies, refuse))


def _guard_sns() -> None:
    from ministack.services import sns

    one = expect(_GAP, sns, "_p", ("params", "key", "default"))
    refused = expect(_GAP, sns, "_error", ("code", "message", "status"))

    def refuse(_principal: str) -> Any:
        message = "Invalid parameter: Policy Error: PrincipalNotFound"
        return refused("InvalidParameter", message, 400)

    def on_creating(params: Mapping[str, Any]) -> Iterator[str | None]:
        for position in range(1, len(params) + 1):
            if one(params, f"Attributes.entry.{position}.key") == "Policy":
                yield one(params, f"Attributes.entry.{position}.value")

    def on_setting(params: Mapping[str, Any]) -> Iterator[str | None]:
        if one(params, "AttributeName") == "Policy":
            yield one(params, "AttributeValue")

    replace(_GAP, sns, "_create_topic", ("params",), _guard(on_creating, refuse))
    replace(_GAP, sns, "_set_topic_attributes", ("params",), _guard(on_setting, refuse))


def _guard_secrets() -> None:
    from ministack.services import secretsmanager

    refused = expect(_GAP, secretsmanager, "error_response_json")

    def refuse(_principal: str) -> Any:
        message = "This resource policy contains an unsupported principal."
        return refused("MalformedPolicyDocumentException", message, 400)

    policies = _guard(lambda data: iter([data.get("ResourcePolicy")]), refuse)
    replace(_GAP, secretsmanager, "_put_resource_policy", ("data",), policies)


def _guard_apis() -> None:
    from ministack.services import apigateway_v1

    refused = expect(_GAP, apigateway_v1, "_v1_error")

    def refuse(_principal: str) -> Any:
        message = (
            "Invalid policy document. Please check the policy syntax and ensure that Principals "
            "are valid."
        )
        return refused("BadRequestException", message, 400)

    def on_updating(_api_id: str, data: Mapping[str, Any]) -> Iterator[str | None]:
        for patch in data.get("patchOperations", []):
            if patch.get("path") == "/policy":
                yield patch.get("value")

    on_creating = _guard(lambda data: iter([data.get("policy")]), refuse)
    replace(_GAP, apigateway_v1, "_create_rest_api", ("data",), on_creating)
    replace(
        _GAP,
        apigateway_v1,
        "_update_rest_api",
        ("api_id", "data"),
        _guard(on_updating, refuse),
    )


def _guard_functions() -> None:
    from ministack.services import lambda_svc

    refused = expect(_GAP, lambda_svc, "error_response_json")
    parameters = ("func_name", "data", "query_params", "path_qualifier")

    def policies(_name: str, data: Mapping[str, Any], *_rest: Any) -> Iterator[str]:
        kind = "Service" if "amazonaws.com" in data.get("Principal", "") else "AWS"
        yield f'{{"Statement":{{"Principal":{{"{kind}":"{data.get("Principal", "*")}"}}}}}}'

    def refuse(_principal: str) -> Any:
        message = "The provided principal was invalid. Please check the principal and try again."
        return refused("InvalidParameterValueException", message, 400)

    replace(_GAP, lambda_svc, "_add_permission", parameters, _guard(policies, refuse))
