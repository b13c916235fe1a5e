"""Customers of the shop, who live in Cognito."""

from __future__ import annotations

from dataclasses import dataclass

from botocore.exceptions import ClientError

from trunkline_devtools.aws.clients import Aws, aws_errors, error_code

__all__ = ["Customer", "Tokens", "ensure_customer", "sign_in"]


@dataclass(frozen=True)
class Customer:
    """What a customer signs in with."""

    username: str
    """Their e-mail address."""
    password: str


@dataclass(frozen=True)
class Tokens:
    """What Cognito gives a customer who signs in."""

    id_token: str
    """Says who they are; the public API wants it as bearer token."""
    access_token: str
    expires_in: int
    """Seconds."""


def ensure_customer(aws: Aws, user_pool: str, customer: Customer) -> None:
    """Make the customer with a confirmed address and that password, unless they exist.

    Raises:
        CloudCallFailed: Cognito refused.
    """
    cognito = aws.client("cognito-idp")
    with aws_errors(f"creating the customer {customer.username}"):
        try:
            cognito.admin_create_user(
                UserPoolId=user_pool,
                Username=customer.username,
                UserAttributes=[
                    {"Name": "email", "Value": customer.username},
                    {"Name": "email_verified", "Value": "true"},
                ],
                MessageAction="SUPPRESS",
            )
        except ClientError as error:
            if error_code(error) != "UsernameExistsException":
                raise
        cognito.admin_set_user_password(
            UserPoolId=user_pool,
            Username=customer.username,
            Password=customer.password,
            Permanent=True,
        )


def sign_in(aws: Aws, client_id: str, customer: Customer) -> Tokens:
    """Sign a customer in with user name and password.

    Raises:
        CloudCallFailed: Cognito refused.
    """
    with aws_errors(f"signing in {customer.username}"):
        answer = aws.client("cognito-idp").initiate_auth(
            ClientId=client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": customer.username, "PASSWORD": customer.password},
        )["AuthenticationResult"]
    return Tokens(answer["IdToken"], answer["AccessToken"], int(answer["ExpiresIn"]))
