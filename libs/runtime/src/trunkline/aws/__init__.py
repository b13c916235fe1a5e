"""The only way to AWS: adapters get their clients here."""

from trunkline.aws.clients import client, credentials, region, reset

__all__ = ["client", "credentials", "region", "reset"]
