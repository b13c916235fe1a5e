"""What an AWS service may do in its own name, by the policy of the resource that it does it to."""

from __future__ import annotations

from typing import Any

from trunkline_localcloud.patching import expect

__all__ = ["service_may", "service_may_use_key"]

_WHO = "service_permissions"
_KEY_USES = ("kms:Decrypt", "kms:GenerateDataKey")


def service_may(service: str, action: str, resource_arn: str, *, source_arn: str) -> bool:
    """Whether a resource's policy lets a service act on it for a source.

    Args:
        service: A service principal, such as ``sns.amazonaws.com``.
        action: An IAM action, such as ``sqs:SendMessage``.
        resource_arn: What it is done to.
        source_arn: What it is done for: ``aws:SourceArn``, whose account is ``aws:SourceAccount``.
    """
    from ministack.core import iam_evaluator

    policy_of = expect(_WHO, iam_evaluator, "_resource_policy", ("service", "resource_arn"))
    evaluate = expect(_WHO, iam_evaluator, "evaluate_resource_policy")
    found = policy_of(action.partition(":")[0], resource_arn)
    if found is None:
        return False
    account = source_arn.split(":")[4]
    context = iam_evaluator.EvalContext(
        principal_arn=service,
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=resource_arn,
        region=resource_arn.split(":")[3],
        service_context={
            "aws:sourcearn": source_arn,
            "aws:sourceaccount": account,
            "aws:sourceowner": account,  # the old name of the same, in default topic policies
        },
    )
    return bool(evaluate(found[0], context, service=service).decision == "Allow")


def service_may_use_key(service: str, key: str | None, *, source_arn: str) -> bool:
    """Whether a service may encrypt and decrypt with the key of a queue or a topic.

    Args:
        service: A service principal.
        key: Id, ARN or alias of the key; None, or an AWS managed key, admits everybody.
        source_arn: What it is used for.
    """
    from ministack.services import kms

    resolve: Any = expect(_WHO, kms, "_resolve_key", ("key_id_or_arn",))
    record = resolve(key) if key else None
    if record is None:
        return True
    return all(
        service_may(service, action, record["Arn"], source_arn=source_arn) for action in _KEY_USES
    )
