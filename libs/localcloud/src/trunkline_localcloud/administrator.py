"""The IAM user that a cloud begins with; unknown keys are refused, so there must be one."""

from __future__ import annotations

import datetime as dt
from typing import Any

from trunkline_localcloud.facts import AdministratorKeys

__all__ = ["ensure_administrator"]

_USER = "administrator"
_POLICY = "arn:aws:iam::aws:policy/AdministratorAccess"


def ensure_administrator(keys: AdministratorKeys) -> None:
    """Make the user ``administrator`` with AdministratorAccess and ``keys``, where missing."""
    from ministack.services import iam

    def call(handler: Any, **parameters: str) -> None:
        handler({name: [value] for name, value in parameters.items()})

    if _USER not in iam._users:
        call(iam._create_user, UserName=_USER)
        call(iam._attach_user_policy, UserName=_USER, PolicyArn=_POLICY)
    iam._access_keys[keys.access_key] = {
        "UserName": _USER,
        "AccessKeyId": keys.access_key,
        "SecretAccessKey": keys.secret_key,
        "Status": "Active",
        "CreateDate": dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
