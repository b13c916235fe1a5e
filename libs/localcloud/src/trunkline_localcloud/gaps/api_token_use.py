"""A route with a Cognito authorizer and without scopes takes ID tokens only.

With ``authorizationScopes`` it takes access tokens that have one of them
(https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-integrate-with-cognito.html).
MiniStack takes access tokens everywhere, so what works here would be 401 on AWS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from trunkline_localcloud.patching import replace
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "api_token_use"
_PARAMETERS = ("authorizer", "method_obj", "headers", "query_params", "stage")


def install(_settings: CloudSettings) -> None:
    """Refuse access tokens where a route has no scopes."""
    from ministack.services import apigateway_v1

    make = partial(partial, _validate, apigateway_v1._gw_error)
    replace(_GAP, apigateway_v1, "_validate_cognito_authorizer", _PARAMETERS, make)


async def _validate(
    problem: Callable[[str, str], Any],
    original: Callable[..., Any],
    authorizer: Any,
    method_obj: Mapping[str, Any],
    *others: Any,
) -> tuple[Mapping[str, Any] | None, Any]:
    claims, error = await original(authorizer, method_obj, *others)
    if error is None and not method_obj.get("authorizationScopes"):
        kind = claims.get("token_use")
        if kind != "id":
            return None, problem("UNAUTHORIZED", "Unauthorized")
    return claims, error
