"""SSM parameters, through which roots and services find each other."""

from __future__ import annotations

from cdktn import Fn, TerraformResourceLifecycle, Token
from cdktn_provider_aws.data_aws_ssm_parameter import DataAwsSsmParameter
from cdktn_provider_aws.ssm_parameter import SsmParameter
from constructs import Construct

from trunkline_platform.aws import Aws
from trunkline_platform.constructs.identity import Grantee
from trunkline_platform.policy import Statement

__all__ = ["grant_read", "hand_over", "publish", "publish_list", "read", "read_list"]


def publish(scope: Construct, id_: str, name: str, value: str, description: str) -> None:
    """Tell other roots one value. Never a secret: the value is in the state."""
    SsmParameter(
        scope, id_, name=name, type="String", insecure_value=value, description=description
    )


def publish_list(
    scope: Construct, id_: str, name: str, values: list[str], description: str
) -> None:
    """Tell other roots a list of values."""
    SsmParameter(
        scope,
        id_,
        name=name,
        type="StringList",
        insecure_value=",".join(values),
        description=description,
    )


def hand_over(scope: Construct, id_: str, name: str, value: str, description: str) -> None:
    """Make a parameter that operators change from then on: Terraform only knows its first value."""
    SsmParameter(
        scope,
        id_,
        name=name,
        type="String",
        insecure_value=value,
        description=description,
        lifecycle=TerraformResourceLifecycle(ignore_changes=["insecure_value"]),
    )


def grant_read(grantee: Grantee, *, aws: Aws, name: str, sid: str) -> None:
    """Let the grantee read one parameter."""
    grantee.allow(
        Statement(sid=sid, actions=("ssm:GetParameter",), resources=(aws.parameter_arn(name),))
    )


def read(scope: Construct, id_: str, name: str) -> str:
    """The value that another root has published."""
    # `value` counts as sensitive and would hide everything that is made from it in a plan.
    return DataAwsSsmParameter(scope, id_, name=name).insecure_value


def read_list(scope: Construct, id_: str, name: str) -> list[str]:
    """The list that another root has published."""
    return Token.as_list(Fn.split(",", read(scope, id_, name)))
