"""What a role may do, asked on its behalf: for what AWS itself does with a role."""

from __future__ import annotations

from trunkline_localcloud.patching import expect

__all__ = ["role_may"]

_WHO = "role_permissions"


def role_may(role_arn: str, action: str, resource_arn: str, *, session: str = "check") -> bool:
    """Whether the role's policies, with the resource's own, allow an action.

    Args:
        role_arn: A role of this cloud.
        action: An IAM action, such as ``sqs:ReceiveMessage``.
        resource_arn: What it is done to.
        session: Name of the role's session that would do it.
    """
    from ministack.core import iam_evaluator
    from ministack.services import iam

    gather = expect(_WHO, iam_evaluator, "_gather_role_policies", ("role_name", "account_id"))
    boundary = expect(_WHO, iam_evaluator, "_permissions_boundary")
    _, _, _, _, account_id, resource = role_arn.split(":", 5)
    name = resource.rsplit("/", 1)[-1]
    role = iam._roles.get_scoped(account_id, None, name) or {}
    service = action.partition(":")[0]
    context = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{account_id}:assumed-role/{name}/{session}",
        principal_type="AssumedRole",
        principal_account=account_id,
        action=action,
        resource_arn=resource_arn,
        region=resource_arn.split(":")[3] if resource_arn.count(":") > 4 else "",
        principal_keys={
            f"aws:principaltag/{tag['Key'].lower()}": tag["Value"] for tag in role.get("Tags") or ()
        },
    )
    limits = boundary(iam._roles, name, account_id)
    result = iam_evaluator.evaluate(context, gather(name, account_id), *limits)
    found = iam_evaluator._resource_policy(service, resource_arn)
    if found is not None:
        policy, owner = found
        result = iam_evaluator.combine_resource_policy(
            result, context, policy, owner, limits=tuple(limits)
        )
    return bool(result.decision == "Allow")
