"""The VPC endpoint that a call comes through.

AWS sets ``aws:SourceVpce`` and ``aws:SourceVpc`` on calls that pass a VPC endpoint, also checks
the endpoint's own policy, and leaves the keys out of every other call
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-sourcevpce,
https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html).
MiniStack never sets them, so the usual policy of a private API refuses everybody.
Here a call comes through an endpoint when it is signed with the credentials of a function's
process, the function is attached to a VPC, and that VPC has an endpoint for the called service.
No header plays a part in it, so a client cannot pretend.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as replace_fields
from typing import Any

from trunkline_localcloud.functions.credentials import issuer
from trunkline_localcloud.functions.definition import FunctionVersion
from trunkline_localcloud.patching import expect, replace
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "source_vpce"
_ACCESS_KEY = "localcloud:access-key"
_ENDPOINT_OF_ACTION_PREFIX = {"kinesis": "kinesis-streams", "cloudwatch": "monitoring"}
_FIELDS = {"aws:sourcevpce": "VpcEndpointId", "aws:sourcevpc": "VpcId"}
_Endpoint = dict[str, Any]


def install(_settings: CloudSettings) -> None:
    """Set the keys and check the endpoint's policy."""
    from ministack.core import iam_evaluator
    from ministack.services import ec2

    expect(_GAP, ec2, "_subnets")
    expect(_GAP, ec2, "_vpc_endpoints")
    replace(_GAP, iam_evaluator, "_principal_keys", ("credential",), _remember_access_key)
    replace(_GAP, iam_evaluator, "_resolve_condition_key", ("key", "ctx"), _resolve_from_endpoint)
    replace(_GAP, iam_evaluator, "evaluate", ("ctx", "policies", "limits"), _check_endpoint_policy)


def _remember_access_key(original: Callable[..., Any]) -> Callable[..., Any]:
    def principal_keys(credential: Any) -> Any:
        return {**original(credential), _ACCESS_KEY: credential.access_key_id}

    return principal_keys


def _resolve_from_endpoint(original: Callable[..., Any]) -> Callable[..., Any]:
    def resolve(key: str, ctx: Any) -> Any:
        field = _FIELDS.get(key.lower())
        endpoint = _endpoint_of(ctx) if field else None
        return endpoint[field] if field and endpoint else original(key, ctx)

    return resolve


def _check_endpoint_policy(original: Callable[..., Any]) -> Callable[..., Any]:
    from ministack.core import iam_evaluator

    evaluate_resource_policy = expect(_GAP, iam_evaluator, "evaluate_resource_policy")
    eval_result = expect(_GAP, iam_evaluator, "EvalResult")

    def evaluate(ctx: Any, policies: Any, *limits: Any) -> Any:
        endpoint = _endpoint_of(ctx)
        policy = endpoint.get("PolicyDocument") if endpoint else None
        if endpoint and policy:
            inside = replace_fields(ctx, principal_keys=_keys_inside(ctx, endpoint))
            if evaluate_resource_policy(policy, inside).decision != "Allow":
                reason = "No VPC endpoint policy allows the action"
                return eval_result("Deny", ctx.principal_arn, "", reason)
        return original(ctx, policies, *limits)

    return evaluate


def _keys_inside(ctx: Any, endpoint: _Endpoint) -> dict[str, Any]:
    """The caller's keys for the endpoint's own policy, which is not checked once more."""
    keys = {name: value for name, value in ctx.principal_keys.items() if name != _ACCESS_KEY}
    through = {name: endpoint[field] for name, field in _FIELDS.items()}
    return {**keys, **through}


def _endpoint_of(ctx: Any) -> _Endpoint | None:
    """The endpoint that the call in ``ctx`` passes, or None."""
    from ministack.services import ec2

    holder = issuer.holder_of(ctx.principal_keys.get(_ACCESS_KEY, ""))
    if holder is None or not holder.function.subnet_ids:
        return None
    function = holder.function
    vpc_id = _vpc_of(function)
    prefix = ctx.action.partition(":")[0]
    service = f"com.amazonaws.{function.region}.{_ENDPOINT_OF_ACTION_PREFIX.get(prefix, prefix)}"
    for (account, region, _), endpoint in list(ec2._vpc_endpoints._data.items()):
        here = (account, region) == (function.account_id, function.region)
        if here and endpoint["VpcId"] == vpc_id and endpoint["ServiceName"] == service:
            found: _Endpoint = endpoint
            return found
    return None


def _vpc_of(function: FunctionVersion) -> str | None:
    from ministack.services import ec2

    for subnet_id in function.subnet_ids:
        subnet = ec2._subnets.get_scoped(function.account_id, function.region, subnet_id)
        if subnet:
            return str(subnet["VpcId"])
    return None
