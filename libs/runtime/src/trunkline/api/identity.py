"""Who calls, from what API Gateway has verified; whoever cannot be named is refused."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from trunkline import environment
from trunkline.api.request import Request
from trunkline.errors import Forbidden, Unauthenticated
from trunkline.identity import Caller
from trunkline.manifest import names, variables

_NOTHING: frozenset[str] = frozenset()
_ASSUMED_ROLE = re.compile(r"^arn:aws[a-z-]*:sts::\d{12}:assumed-role/([^/]+)/[^/]+$")


def caller_of(request: Request, exposure: Literal["private", "public"]) -> Caller:
    """The caller of a request.

    Raises:
        Unauthenticated: API Gateway names nobody.
        Forbidden: the caller is no service that may call this one.
    """
    return _customer(request) if exposure == "public" else _service(request)


def _customer(request: Request) -> Caller:
    claims = request.claims or {}
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise Unauthenticated("sign in first")
    return Caller(
        "customer",
        subject,
        dict(claims),
        # API Gateway's authorizer of REST APIs joins lists with commas.
        _words(claims.get("cognito:groups"), ","),
        _words(claims.get("scope"), " "),
    )


def _words(claim: object, separator: str) -> frozenset[str]:
    return frozenset(filter(None, claim.split(separator))) if isinstance(claim, str) else _NOTHING


def _service(request: Request) -> Caller:
    arn = request.identity.get("userArn")
    if not isinstance(arn, str) or not arn:
        raise Unauthenticated("the request is not signed")
    service = _service_of(
        arn,
        environment.required(variables.ENVIRONMENT),
        environment.optional(variables.CALLERS) or "",
    )
    if service is None:
        raise Forbidden("the caller is no service that may call this one")
    return Caller.service(service)


@lru_cache(maxsize=64)  # the few callers of a function call it again and again
def _service_of(arn: str, stage: str, callers: str) -> str | None:
    role = _ASSUMED_ROLE.match(arn)
    if role is None:
        return None
    known = frozenset(name.strip() for name in callers.split(",") if name.strip())
    return names.service_of_role(role.group(1), stage, known)
