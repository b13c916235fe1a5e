"""The facts of one running cloud, kept beside its state so that other processes find it."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

__all__ = ["AdministratorKeys", "CloudFacts", "read_facts", "write_facts"]

_KEY_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@dataclass(frozen=True)
class AdministratorKeys:
    """The access key of the IAM user ``administrator``."""

    access_key: str
    secret_key: str = field(repr=False)

    @classmethod
    def new(cls) -> AdministratorKeys:
        """Random keys in AWS's shape: ``AKIA`` and 16 characters, and a 40-character secret."""
        suffix = "".join(secrets.choice(_KEY_ALPHABET) for _ in range(16))
        return cls(f"AKIA{suffix}", secrets.token_urlsafe(30))


@dataclass(frozen=True)
class CloudFacts:
    """What ``cloud.json`` holds while the cloud runs."""

    endpoint: str
    pid: int
    region: str
    account_id: str
    admin_access_key: str
    admin_secret_key: str = field(repr=False)

    @property
    def administrator(self) -> AdministratorKeys:
        """The administrator's access key."""
        return AdministratorKeys(self.admin_access_key, self.admin_secret_key)


def read_facts(path: Path) -> CloudFacts | None:
    """The facts in ``path``, or None when no cloud ever started there."""
    try:
        return CloudFacts(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None


def write_facts(path: Path, facts: CloudFacts) -> None:
    """Write ``facts`` at once as a whole, readable by their owner only."""
    partial = path.with_suffix(".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(facts), file, indent=2)
    partial.replace(path)
