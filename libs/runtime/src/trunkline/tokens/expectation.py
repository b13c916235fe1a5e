"""What the claims of a token must say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from trunkline.errors import TokenRefused
from trunkline.tokens.refusal import Refusal


@dataclass(frozen=True)
class Expectation:
    """What one kind of token of one issuer says."""

    issuer: str
    audiences: frozenset[str]
    """Whom the token is for: one of these."""
    audience_claim: Literal["aud", "client_id"]
    """Cognito's access tokens say it in ``client_id``."""
    typ: str
    """The header's ``typ`` in lower case; a header without one says ``jwt``."""
    token_use: Literal["access", "id"] | None
    """Cognito's own claim that tells its tokens apart; ``None`` for other issuers."""
    groups_claim: str
    leeway: float
    """Seconds by which clocks may differ."""

    def check_type(self, header: Mapping[str, Any]) -> None:
        """Check that the token is of the expected kind (RFC 8725, section 3.11).

        Raises:
            TokenRefused: it is not.
        """
        typ = header.get("typ", "jwt")
        if not isinstance(typ, str) or typ.lower().removeprefix("application/") != self.typ:
            raise TokenRefused(Refusal.TYPE, f"typ is not {self.typ}")

    def check(self, claims: Mapping[str, Any], now: float) -> None:
        """Check the claims of a token whose signature is good.

        Args:
            claims: of the token.
            now: in seconds since 1970.

        Raises:
            TokenRefused: one of them is not as expected.
        """
        if claims.get("iss") != self.issuer:
            raise TokenRefused(Refusal.ISSUER)
        if self.token_use is not None and claims.get("token_use") != self.token_use:
            raise TokenRefused(Refusal.USE, f"token_use is not {self.token_use}")
        if not self.audiences & _audiences(claims.get(self.audience_claim)):
            raise TokenRefused(Refusal.AUDIENCE)
        self._check_dates(claims, now)
        subject = claims.get("sub")
        if not isinstance(subject, str) or not subject:
            raise TokenRefused(Refusal.CLAIMS, "no sub")

    def _check_dates(self, claims: Mapping[str, Any], now: float) -> None:
        late = now - _date(claims, "exp") - self.leeway
        if late >= 0:
            raise TokenRefused(Refusal.EXPIRED, f"{late:.0f} s too late")
        early = _date(claims, "iat") - now - self.leeway
        if "nbf" in claims:
            early = max(early, _date(claims, "nbf") - now - self.leeway)
        if early > 0:
            raise TokenRefused(Refusal.EARLY, f"{early:.0f} s too early")


def _audiences(claim: object) -> frozenset[str]:
    match claim:
        case str():
            return frozenset({claim})
        case list() if all(isinstance(one, str) for one in claim):
            return frozenset(claim)
        case _:
            return frozenset()


def _date(claims: Mapping[str, Any], name: str) -> float:
    """A NumericDate (RFC 7519, section 2); a boolean is no number here, though Python says so."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRefused(Refusal.CLAIMS, f"{name} is no number")
    try:
        return float(value)
    except OverflowError:
        raise TokenRefused(Refusal.CLAIMS, f"{name} is no date") from None
