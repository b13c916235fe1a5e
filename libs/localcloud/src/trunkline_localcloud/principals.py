"""Which principals of a policy there are."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from trunkline_localcloud.patching import expect

__all__ = ["invalid_principal"]

_GAP = "policy_principals"
_ACCOUNT = re.compile(r"\d{12}|arn:aws[a-z-]*:iam::\d{12}:root")
_IAM = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):(user|role)/(?:[^*?]*/)?([^/*?]+)")
_SESSION = re.compile(r"arn:aws[a-z-]*:sts::(\d{12}):assumed-role/([^/*?]+)/[^/*?]+")
_SERVICE = re.compile(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?")
_OTHER_KINDS = ("Federated", "CanonicalUser")


def invalid_principal(document: str) -> str | None:
    """The first principal of a policy that is malformed or does not exist; None when all do.

    What belongs to another account is taken to exist. So is a document that is no JSON to have no
    principals: its own service says what is wrong with it.

    Args:
        document: A policy, as JSON.
    """
    try:
        policy = json.loads(document)
    except ValueError:
        return None
    statements = policy.get("Statement", []) if isinstance(policy, dict) else []
    for statement in statements if isinstance(statements, list) else [statements]:
        for kind, principal in _principals(statement):
            if not _exists(kind, principal):
                return f'"{kind}":"{principal}"'
    return None


def _principals(statement: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for element in ("Principal", "NotPrincipal"):
        named = statement.get(element, {})
        by_kind = named if isinstance(named, dict) else {"AWS": named}
        for kind, principals in by_kind.items():
            for principal in principals if isinstance(principals, list) else [principals]:
                yield kind, str(principal)


def _exists(kind: str, principal: str) -> bool:
    if kind == "Service":
        return _SERVICE.fullmatch(principal) is not None
    if kind in _OTHER_KINDS or principal == "*" or _ACCOUNT.fullmatch(principal):
        return True
    if found := _IAM.fullmatch(principal):
        return _is_there(found[1], found[2], found[3], lambda arn: arn == principal)
    if found := _SESSION.fullmatch(principal):
        return _is_there(found[1], "role", found[2], lambda _arn: True)
    return False


def _is_there(account: str, kind: str, name: str, fits: Callable[[str], bool]) -> bool:
    from ministack.core.responses import get_account_id
    from ministack.services import iam

    if account != get_account_id():
        return True
    record = expect(_GAP, iam, f"_{kind}s").get(name)
    return record is not None and fits(record["Arn"])
