"""Why a token is refused: for logs, never for its bearer."""

from __future__ import annotations

from enum import StrEnum


class Refusal(StrEnum):
    """What was wrong, as the ``reason`` of :class:`trunkline.errors.TokenRefused`."""

    MALFORMED = "malformed"
    """It is no JWS in compact form with a JSON header and JSON claims, each written one way."""
    HEADER = "header"
    """Its header brings a key, points at one, or asks for something that we do not do."""
    TYPE = "type"
    """It is another kind of token."""
    ALGORITHM = "algorithm"
    """It is signed in a way that is not allowed, here or for its key."""
    KEY = "key"
    """Its issuer has no such key, or none that may verify signatures."""
    SIGNATURE = "signature"
    """Its issuer has not signed it."""
    CLAIMS = "claims"
    """A claim is missing or has the wrong type."""
    EXPIRED = "expired"
    EARLY = "early"
    """It is not valid yet, or was issued in the future."""
    ISSUER = "issuer"
    AUDIENCE = "audience"
    """It was issued for somebody else."""
    USE = "use"
    """It is an ID token where an access token is wanted, or the reverse."""
