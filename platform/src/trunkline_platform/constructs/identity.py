"""Roles, and what they are granted."""

from __future__ import annotations

from typing import Protocol

from cdktn_provider_aws.iam_role import IamRole
from cdktn_provider_aws.iam_role_policy import IamRolePolicy
from constructs import Construct

from trunkline_platform.aws import Aws
from trunkline_platform.policy import Statement, document

__all__ = ["Grantee", "Role"]


class Grantee(Protocol):
    """Whoever can be allowed something."""

    def allow(self, *statements: Statement) -> None:
        """Add statements to what it may do."""


class Role(Construct):
    """A role that one AWS service takes on, with one inline policy.

    The policy resource exists once something has been granted; a role without grants has none.
    """

    def __init__(
        self, scope: Construct, id_: str, *, aws: Aws, name: str, service: str, description: str
    ) -> None:
        super().__init__(scope, id_)
        self.name = name
        self.arn = f"arn:aws:iam::{aws.account}:role/{name}"
        trust = Statement(
            sid="Assume",
            principal={"Service": f"{service}.amazonaws.com"},
            actions=("sts:AssumeRole",),
        )
        self.resource = IamRole(
            self,
            "this",
            name=name,
            description=description,
            assume_role_policy=document([trust]),
        )
        self._statements: list[Statement] = []
        self._policy: IamRolePolicy | None = None

    @property
    def policy(self) -> IamRolePolicy:
        """The inline policy, for resources that AWS refuses before the role may use them."""
        if self._policy is None:
            raise LookupError(f"role {self.name} has been granted nothing")
        return self._policy

    def allow(self, *statements: Statement) -> None:
        """Add statements to the inline policy; those of one sid are merged."""
        self._statements.extend(statements)
        content = document(self._statements)
        if self._policy is None:
            self._policy = IamRolePolicy(
                self, "policy", name="grants", role=self.resource.id, policy=content
            )
        else:
            self._policy.policy = content
