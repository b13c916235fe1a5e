"""joserfc does the cryptography, and only that: what a token says is read and judged by us.

Left to itself it would (1.8) take the last of two members of one name, believe ``exp: NaN`` in a
payload it need not check, verify with a key of the wrong length after a warning, take ``crit`` for
members that it knows, and raise ``TypeError`` for a header that is no object.
"""

from __future__ import annotations

from collections.abc import Mapping

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry, deserialize_compact


def import_key(jwk: Mapping[str, str]) -> RSAKey | ECKey:
    """A public key from its type and all of its parameters.

    Raises:
        ValueError: they make no key; a point is not on its curve, for example.
    """
    return ECKey.import_key(dict(jwk)) if jwk["kty"] == "EC" else RSAKey.import_key(dict(jwk))


def verified_payload(token: str, key: RSAKey | ECKey, algorithm: str) -> bytes | None:
    """The payload of a JWS that the key has signed with this algorithm; else ``None``."""
    # Unknown header members are to be ignored (RFC 7515, section 4), hence the lax header check.
    registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    registry.max_header_length = registry.max_payload_length = len(token)
    registry.max_signature_length = len(token)
    try:
        return deserialize_compact(token, key, registry=registry).payload
    except JoseError:
        return None
