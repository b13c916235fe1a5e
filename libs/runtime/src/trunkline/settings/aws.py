"""Secrets from Secrets Manager, parameters from SSM."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from trunkline.aws.clients import client
from trunkline.errors import Unavailable


def secret_value(name: str) -> str:
    """The current value of a secret.

    Raises:
        Unavailable: there is none yet, or Secrets Manager does not answer.
    """
    try:
        answer = client("secretsmanager").get_secret_value(SecretId=name, VersionStage="AWSCURRENT")
        return str(answer["SecretString"])
    except (BotoCoreError, ClientError) as error:
        raise Unavailable(f"secret {name} cannot be read", retry_after=5) from error


def parameter_value(name: str) -> str:
    """The value of an SSM parameter.

    Raises:
        Unavailable: there is no such parameter, or SSM does not answer.
    """
    try:
        return str(client("ssm").get_parameter(Name=name)["Parameter"]["Value"])
    except (BotoCoreError, ClientError) as error:
        raise Unavailable(f"parameter {name} cannot be read", retry_after=5) from error
