"""SSM parameters, through which roots and services find each other."""

from __future__ import annotations

from cdktn import Fn, Token
from cdktn_provider_aws.data_aws_ssm_parameter import DataAwsSsmParameter
from cdktn_provider_aws.ssm_parameter import SsmParameter
from constructs import Construct

__all__ = ["publish", "publish_list", "read", "read_list"]


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


def read(scope: Construct, id_: str, name: str) -> str:
    """The value that another root has published."""
    # `value` counts as sensitive and would hide everything that is made from it in a plan.
    return DataAwsSsmParameter(scope, id_, name=name).insecure_value


def read_list(scope: Construct, id_: str, name: str) -> list[str]:
    """The list that another root has published."""
    return Token.as_list(Fn.split(",", read(scope, id_, name)))
