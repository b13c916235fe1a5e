"""A claim that is a list reaches a function behind a Cognito authorizer joined by commas.

A REST API's authorizer of user pools gives a function every claim as a string
(https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-integrate-with-cognito.html);
lists, such as ``cognito:groups``, come as ``admins,staff``: Amplify's own REST functions split them
so. MiniStack writes ``[admins staff]``, which is how the JWT authorizers of HTTP APIs do it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from trunkline_localcloud.patching import replace
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "api_claims"


def install(_settings: CloudSettings) -> None:
    """Join lists by commas before the rest is made text."""
    from ministack.services import apigateway_v1

    replace(_GAP, apigateway_v1, "_stringify_claims", ("claims",), partial(partial, _as_text))


def _as_text(
    original: Callable[[Mapping[str, Any]], dict[str, str]], claims: Mapping[str, Any] | None
) -> dict[str, str]:
    return original(
        {
            name: ",".join(map(str, value)) if isinstance(value, list) else value
            for name, value in (claims or {}).items()
        }
    )
