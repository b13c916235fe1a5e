"""Verifiers for the issuers that there are: a Cognito user pool, or any OpenID provider."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Literal

from trunkline.clock import now
from trunkline.errors import DeclarationError
from trunkline.tokens.expectation import Expectation
from trunkline.tokens.key_source import KeySource
from trunkline.tokens.keys import ASYMMETRIC
from trunkline.tokens.verifier import Keys, TokenVerifier

LEEWAY_SECONDS = 30.0
"""By how much clocks may differ unless a verifier is told otherwise."""
MAX_LEEWAY_SECONDS = 300.0

_USER_POOL = re.compile(r"([a-z]{2}(?:-[a-z]+)+-[0-9])_[0-9A-Za-z]+")


def cognito(
    user_pool: str,
    *,
    clients: Iterable[str],
    use: Literal["access", "id"] = "access",
    leeway: float = LEEWAY_SECONDS,
    keys: Keys | None = None,
    clock: Callable[[], float] = now,
) -> TokenVerifier:
    """Verifies the tokens of a Cognito user pool, which are signed with RS256.

    https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html

    Args:
        user_pool: its id, for example ``eu-central-1_Ab12Cd34E``.
        clients: the app clients whose tokens are good here.
        use: access tokens have scopes; ID tokens have the user's attributes.
        leeway: seconds by which clocks may differ.
        keys: by default those that the user pool publishes.
        clock: seconds since 1970.

    Raises:
        DeclarationError: an argument is wrong.
    """
    match = _USER_POOL.fullmatch(user_pool)
    if match is None:
        raise DeclarationError(f"{user_pool!r} is no user pool such as eu-central-1_Ab12Cd34E")
    region = match.group(1)
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    issuer = f"https://cognito-idp.{region}.{domain}/{user_pool}"
    expectation = Expectation(
        issuer=issuer,
        audiences=_audiences(clients),
        audience_claim="client_id" if use == "access" else "aud",
        typ="jwt",
        token_use=use,
        groups_claim="cognito:groups",
        leeway=_leeway(leeway),
    )
    found = keys if keys is not None else KeySource(f"{issuer}/.well-known/jwks.json")
    return TokenVerifier(expectation, frozenset({"RS256"}), found, clock=clock)


def oidc(
    issuer: str,
    *,
    audiences: Iterable[str],
    keys: Keys | str,
    typ: str = "at+jwt",
    algorithms: Iterable[str] = ("RS256",),
    groups_claim: str = "groups",
    leeway: float = LEEWAY_SECONDS,
    clock: Callable[[], float] = now,
) -> TokenVerifier:
    """Verifies the tokens of an OpenID provider, by default access tokens as RFC 9068 has them.

    Args:
        issuer: as its tokens and its discovery document write it.
        audiences: whom a token must be for, in ``aud``: this API.
        keys: the ``jwks_uri`` of its discovery document.
        typ: the ``typ`` of its tokens. With ``JWT``, for providers that do not follow RFC 9068, a
            token without ``typ`` is good too; such a provider needs an audience for this API alone,
            or its ID tokens would do.
        algorithms: those that a token may be signed with; asymmetric ones.
        groups_claim: holds the list of the customer's groups.
        leeway: seconds by which clocks may differ.
        clock: seconds since 1970.

    Raises:
        DeclarationError: an argument is wrong.
    """
    allowed = frozenset(algorithms)
    if not allowed or not allowed <= ASYMMETRIC:
        wrong = ", ".join(sorted(allowed - ASYMMETRIC)) or "nothing"
        raise DeclarationError(f"{wrong} cannot be allowed, only {', '.join(sorted(ASYMMETRIC))}")
    expectation = Expectation(
        issuer=issuer,
        audiences=_audiences(audiences),
        audience_claim="aud",
        typ=typ.lower(),
        token_use=None,
        groups_claim=groups_claim,
        leeway=_leeway(leeway),
    )
    found = KeySource(keys) if isinstance(keys, str) else keys
    return TokenVerifier(expectation, allowed, found, clock=clock)


def _audiences(names: Iterable[str]) -> frozenset[str]:
    found = frozenset([names] if isinstance(names, str) else names)
    if not found or "" in found:
        raise DeclarationError("name at least one audience; a token for anybody is for nobody")
    return found


def _leeway(seconds: float) -> float:
    if not 0 <= seconds <= MAX_LEEWAY_SECONDS:
        raise DeclarationError(f"leeway is {seconds} s; allowed are 0 to {MAX_LEEWAY_SECONDS:.0f}")
    return seconds
