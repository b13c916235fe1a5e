"""Addresses that e-mail is sent from."""

from __future__ import annotations

from cdktn_provider_aws.sesv2_email_identity import Sesv2EmailIdentity
from constructs import Construct

from trunkline_platform.aws import Aws
from trunkline_platform.constructs.identity import Grantee
from trunkline_platform.policy import Statement

__all__ = ["Sender"]


class Sender(Construct):
    """An address in SES. In AWS its owner confirms it by a link that SES sends."""

    def __init__(self, scope: Construct, id_: str, *, aws: Aws, address: str) -> None:
        super().__init__(scope, id_)
        self._address = address
        self._arn = aws.identity_arn(address)
        Sesv2EmailIdentity(self, "this", email_identity=address)

    def grant_send(self, grantee: Grantee) -> None:
        """Let the grantee send from this address and no other."""
        label = "".join(filter(str.isalnum, self._address.title()))
        grantee.allow(
            Statement(
                sid=f"SendFrom{label}",
                actions=("ses:SendEmail",),
                resources=(self._arn,),
                conditions={"StringEquals": {"ses:FromAddress": self._address}},
            )
        )
