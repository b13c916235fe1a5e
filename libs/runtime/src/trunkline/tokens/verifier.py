"""Verifying a token: its form, its kind, its key, its signature, and then what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from trunkline.clock import now
from trunkline.errors import TokenRefused
from trunkline.identity import Caller
from trunkline.tokens.compact import parse
from trunkline.tokens.expectation import Expectation
from trunkline.tokens.keys import VerificationKey
from trunkline.tokens.refusal import Refusal
from trunkline.tokens.strict import json_object


class Keys(Protocol):
    """Knows an issuer's keys, as :class:`trunkline.tokens.key_source.KeySource` does."""

    def find(self, kid: str) -> VerificationKey:
        """The key that a token names; refuses a token that names none."""
        ...


class TokenVerifier:
    """Verifies the tokens of one issuer for one audience. Safe for threads; make it once.

    Made by :func:`trunkline.tokens.cognito` and :func:`trunkline.tokens.oidc`. What is refused, and
    why, follows RFC 8725 (JSON Web Token Best Current Practices).

    Args:
        expectation: what a token must say.
        algorithms: those that a token may be signed with; asymmetric ones.
        keys: of the issuer.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        expectation: Expectation,
        algorithms: frozenset[str],
        keys: Keys,
        *,
        clock: Callable[[], float] = now,
    ) -> None:
        self._expectation = expectation
        self._algorithms = algorithms
        self._keys = keys
        self._clock = clock

    def claims(self, token: str) -> Mapping[str, Any]:
        """The claims of a good token.

        Raises:
            TokenRefused: it is not good; its ``reason`` is for logs.
            Unavailable: the issuer's keys cannot be had, so nothing can be said.
        """
        found = parse(token)
        self._expectation.check_type(found.header)
        if found.algorithm not in self._algorithms:
            raise TokenRefused(Refusal.ALGORITHM, "alg is not allowed")
        key = self._keys.find(found.kid)
        if found.algorithm not in key.algorithms:
            raise TokenRefused(Refusal.ALGORITHM, "alg does not fit the key")
        from trunkline.tokens.jose import verified_payload  # see there

        payload = verified_payload(found.text, key.key, found.algorithm)
        if payload is None:
            raise TokenRefused(Refusal.SIGNATURE)
        try:
            claims = json_object(payload)
        except ValueError as error:
            raise TokenRefused(Refusal.MALFORMED, "the claims are no JSON object") from error
        self._expectation.check(claims, self._clock())
        return MappingProxyType(claims)

    def caller(self, token: str) -> Caller:
        """Whom a good token speaks of; raises what :meth:`claims` does."""
        claims = self.claims(token)
        groups, scopes = claims.get(self._expectation.groups_claim), claims.get("scope")
        return Caller(
            "customer",
            claims["sub"],
            claims,
            frozenset(one for one in groups if isinstance(one, str))
            if isinstance(groups, list)
            else frozenset(),
            frozenset(scopes.split()) if isinstance(scopes, str) else frozenset(),
        )
