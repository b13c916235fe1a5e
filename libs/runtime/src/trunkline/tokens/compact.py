"""A JWS in compact form (RFC 7515, section 7.1), before anything in it is believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trunkline.errors import TokenRefused
from trunkline.tokens.refusal import Refusal
from trunkline.tokens.strict import decoded, json_object

MAX_CHARACTERS = 16_384
"""Longer tokens are not looked at. Load balancers allow header lines of 16 KiB."""
KEY_BRINGING = frozenset({"jwk", "jku", "x5c", "x5u"})
"""Header members by which a token would choose the key that it is verified with."""
UNSUPPORTED = frozenset({"b64", "crit", "cty", "enc", "zip"})
"""Header members that ask for what we do not do: extensions that must be understood, another form
of the payload, a token inside of the token, encryption."""


@dataclass(frozen=True)
class Compact:
    """A token that is well formed, and no more."""

    text: str
    header: dict[str, Any]
    algorithm: str
    kid: str


def parse(token: str) -> Compact:
    """Read a token's header.

    Raises:
        TokenRefused: it is malformed, or its header asks for what is never done.
    """
    if len(token) > MAX_CHARACTERS:
        raise TokenRefused(Refusal.MALFORMED, f"more than {MAX_CHARACTERS} characters")
    segments = token.split(".")
    if len(segments) != 3 or not all(segments):
        raise TokenRefused(Refusal.MALFORMED, "not three segments")
    try:
        header, *_ = map(decoded, segments)
        members = json_object(header)
    except ValueError as error:
        raise TokenRefused(Refusal.MALFORMED, "no base64url of a JSON object") from error
    for name in sorted((KEY_BRINGING | UNSUPPORTED) & members.keys()):
        raise TokenRefused(Refusal.HEADER, f"{name} is never followed")
    algorithm, kid = members.get("alg"), members.get("kid")
    if not isinstance(algorithm, str):
        raise TokenRefused(Refusal.ALGORITHM, "no alg")
    if not isinstance(kid, str) or not kid:
        raise TokenRefused(Refusal.KEY, "no kid")
    return Compact(token, members, algorithm, kid)
