"""Reading and writing the values of secrets. Terraform makes only their containers."""

from __future__ import annotations

from botocore.exceptions import ClientError

from trunkline.manifest import names
from trunkline_devtools.aws.clients import Aws, aws_errors, error_code

__all__ = ["has_secret_value", "read_secret", "write_secret"]


def write_secret(aws: Aws, environment: str, service: str, name: str, value: str) -> None:
    """Make ``value`` the current value of a service's secret.

    Raises:
        CloudCallFailed: the secret does not exist or the caller may not write it.
    """
    with aws_errors(f"writing the secret {service}/{name}"):
        aws.client("secretsmanager").put_secret_value(
            SecretId=names.secret(environment, service, name), SecretString=value
        )


def read_secret(aws: Aws, environment: str, service: str, name: str) -> str:
    """The current value of a service's secret.

    Raises:
        CloudCallFailed: it has none, or the caller may not read it.
    """
    with aws_errors(f"reading the secret {service}/{name}"):
        answer = aws.client("secretsmanager").get_secret_value(
            SecretId=names.secret(environment, service, name)
        )
    return str(answer["SecretString"])


def has_secret_value(aws: Aws, environment: str, service: str, name: str) -> bool:
    """Whether somebody has written a value yet.

    Raises:
        CloudCallFailed: the caller may not read it.
    """
    with aws_errors(f"looking at the secret {service}/{name}"):
        try:
            aws.client("secretsmanager").get_secret_value(
                SecretId=names.secret(environment, service, name)
            )
        except ClientError as error:
            if error_code(error) == "ResourceNotFoundException":
                return False
            raise
        return True
