"""A user pool for tests: signs tokens that its own verifier believes. Needs ``trunkline[jwt]``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import Any, Literal

from joserfc import jwt
from joserfc.jwk import RSAKey

from trunkline.clock import now
from trunkline.tokens.issuers import cognito
from trunkline.tokens.key_source import KeySource
from trunkline.tokens.verifier import TokenVerifier

USER_POOL = "eu-central-1_Test00000"
ISSUER = f"https://cognito-idp.eu-central-1.amazonaws.com/{USER_POOL}"


@cache
def _key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "test"})  # takes a while, so one for all tests


class TokenIssuer:
    """Stands in for Cognito.

    ::

        issuer = TokenIssuer()
        token = issuer.token("ann", scopes=["orders/read"])
        assert issuer.verifier().caller(token) == Caller.customer("ann", ...)

    Args:
        client: the app client that customers sign in with.
    """

    def __init__(self, client: str = "client-1") -> None:
        self._client = client

    def verifier(self, use: Literal["access", "id"] = "access") -> TokenVerifier:
        """Verifies this issuer's tokens; needs no network."""
        key_set = json.dumps({"keys": [_key().as_dict(private=False)]}).encode()
        keys = KeySource(f"{ISSUER}/.well-known/jwks.json", fetch=lambda _url: key_set)
        return cognito(USER_POOL, clients=[self._client], use=use, keys=keys)

    def token(
        self,
        subject: str,
        *,
        groups: Iterable[str] = (),
        scopes: Iterable[str] = (),
        seconds: float = 300,
        **claims: Any,
    ) -> str:
        """An access token as Cognito signs it.

        Args:
            subject: the customer.
            groups: that the customer is in.
            scopes: that the token has.
            seconds: until it expires; negative for one that has.
            claims: others, or others instead: ``token_use="id", aud="client-1"``.
        """
        at = now()
        return jwt.encode(
            {"alg": "RS256", "kid": "test"},
            {
                "iss": ISSUER,
                "client_id": self._client,
                "token_use": "access",
                "sub": subject,
                "cognito:groups": list(groups),
                "scope": " ".join(scopes),
                "iat": int(at + min(seconds, 0)),
                "exp": int(at + seconds),
                **claims,
            },
            _key(),
            default_type=None,  # Cognito's tokens do not say that they are JWT
        )
