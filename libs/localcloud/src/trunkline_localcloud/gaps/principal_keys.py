"""What policies know of the caller.

AWS compares ``aws:PrincipalArn`` with the ARN of the role, not with that of the role's session,
knows the caller's keys, such as its tags, in every policy, and knows by
``lambda:SourceFunctionArn`` that a function's code calls
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principal-properties,
https://docs.aws.amazon.com/lambda/latest/dg/lambda-permissions.html#permissions-executionrole-source-function-arn).
MiniStack compares the session's ARN, knows no other key of the caller where SQS, SNS and S3
evaluate their resource policies themselves, and knows no function.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from trunkline_localcloud.functions.credentials import issuer
from trunkline_localcloud.patching import expect, replace
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "principal_keys"
_SESSION = re.compile(r"arn:aws:sts::(\d{12}):assumed-role/([^/]+)/.+")
_caller: ContextVar[Any] = ContextVar("caller", default=None)


def install(_settings: CloudSettings) -> None:
    """Complete what conditions on the caller see."""
    from ministack.core import iam_evaluator
    from ministack.services import iam

    expect(_GAP, iam, "_roles")
    replace(_GAP, iam_evaluator, "_principal_keys", ("credential",), _with_function)
    resolution = ("access_key_id", "account_id", "credential")
    replace(_GAP, iam_evaluator, "resolve_principal", resolution, _remember_caller)
    replace(_GAP, iam_evaluator, "_resolve_condition_key", ("key", "ctx"), _with_caller)


def _with_function(original: Callable[..., Any]) -> Callable[..., Any]:
    def principal_keys(credential: Any) -> Any:
        keys = dict(original(credential))
        holder = issuer.holder_of(credential.access_key_id)
        if holder is not None:
            keys["lambda:sourcefunctionarn"] = holder.function.function_arn
        return keys

    return principal_keys


def _remember_caller(original: Callable[..., Any]) -> Callable[..., Any]:
    def resolve_principal(*args: Any, **kwargs: Any) -> Any:
        principal = original(*args, **kwargs)
        if hasattr(principal, "keys"):
            _caller.set(principal)
        return principal

    return resolve_principal


def _with_caller(original: Callable[..., Any]) -> Callable[..., Any]:
    def resolve(key: str, ctx: Any) -> Any:
        caller = _caller.get()
        if not ctx.principal_keys and caller is not None and caller.arn == ctx.principal_arn:
            ctx.principal_keys = caller.keys
        value = original(key, ctx)
        return _role_arn(value) if key.lower() == "aws:principalarn" else value

    return resolve


def _role_arn(principal_arn: str) -> str:
    """The ARN of the role when ``principal_arn`` is of its session, else the same."""
    from ministack.services import iam

    session = _SESSION.fullmatch(principal_arn)
    if session is None:
        return principal_arn
    role = iam._roles.get_scoped(session[1], None, session[2])
    return str(role["Arn"]) if role else f"arn:aws:iam::{session[1]}:role/{session[2]}"
