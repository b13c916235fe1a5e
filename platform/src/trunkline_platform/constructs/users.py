"""Customers and how they sign in."""

from __future__ import annotations

from cdktn_provider_aws.cognito_user_pool import (
    CognitoUserPool,
    CognitoUserPoolAccountRecoverySettingRecoveryMechanism,
)
from cdktn_provider_aws.cognito_user_pool_client import (
    CognitoUserPoolClient,
    CognitoUserPoolClientTokenValidityUnits,
)
from constructs import Construct

from trunkline.manifest.names import PROJECT
from trunkline_platform.aws import Aws

__all__ = ["UserPool"]


class UserPool(Construct):
    """Customers by e-mail address, with one public application client.

    Passwords: twelve characters of every kind. Nobody learns whether an address has an account.
    Customers register themselves only where the environment allows it, and an application may send
    a password only where the environment allows that; else it proves knowledge of it (SRP).
    """

    def __init__(self, scope: Construct, id_: str, *, aws: Aws) -> None:
        super().__init__(scope, id_)
        settings = aws.settings
        name = f"{PROJECT}-{aws.environment}-customers"
        self.resource = CognitoUserPool(
            self,
            "this",
            name=name,
            username_attributes=["email"],
            auto_verified_attributes=["email"],
            deletion_protection="ACTIVE" if settings.keep_data else "INACTIVE",
            admin_create_user_config={"allow_admin_create_user_only": not settings.self_sign_up},
            password_policy={
                "minimum_length": 12,
                "require_lowercase": True,
                "require_numbers": True,
                "require_symbols": True,
                "require_uppercase": True,
                "temporary_password_validity_days": 7,
            },
            account_recovery_setting={
                "recovery_mechanism": [
                    CognitoUserPoolAccountRecoverySettingRecoveryMechanism(
                        name="verified_email", priority=1
                    )
                ]
            },
        )
        flows = ["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"]
        if settings.password_sign_in:
            flows.append("ALLOW_USER_PASSWORD_AUTH")
        self.client = CognitoUserPoolClient(
            self,
            "client",
            name=f"{PROJECT}-{aws.environment}-shop",
            user_pool_id=self.resource.id,
            explicit_auth_flows=flows,
            prevent_user_existence_errors="ENABLED",
            enable_token_revocation=True,
            id_token_validity=1,
            access_token_validity=1,
            refresh_token_validity=1,
            token_validity_units=[
                CognitoUserPoolClientTokenValidityUnits(
                    id_token="hours",  # noqa: S106 - units of time
                    access_token="hours",  # noqa: S106
                    refresh_token="days",  # noqa: S106
                )
            ],
        )
