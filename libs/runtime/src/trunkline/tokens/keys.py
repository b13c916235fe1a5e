"""The keys of an issuer: which of them may verify which signatures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trunkline.tokens.strict import decoded, json_object

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, RSAKey

MIN_RSA_BITS = 2048
"""RFC 7518, sections 3.3 and 3.5."""
RSA_ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
CURVE_ALGORITHMS: Mapping[str, str] = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
"""Each curve has its one algorithm (RFC 7518, section 3.4)."""
ASYMMETRIC = RSA_ALGORITHMS | frozenset(CURVE_ALGORITHMS.values())

_SECRET = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y")}


@dataclass(frozen=True)
class VerificationKey:
    """A public key that may verify signatures."""

    algorithms: frozenset[str]
    """The algorithms that fit it: its type, its curve, and its own ``alg`` if it has one."""
    key: RSAKey | ECKey


@dataclass(frozen=True)
class UnfitKey:
    """A public key that may not verify signatures, and why."""

    why: str


def read_key_set(data: bytes) -> Mapping[str, VerificationKey | UnfitKey]:
    """The keys of a JWK set (RFC 7517) by ``kid``; those without are left out.

    Raises:
        ValueError: it is no key set, one ``kid`` stands for two keys, or it holds a secret: whoever
            publishes private or symmetric keys has lost them.
    """
    listed = json_object(data).get("keys")
    if not isinstance(listed, list) or not all(isinstance(jwk, dict) for jwk in listed):
        raise ValueError("no JWK set")
    found: dict[str, VerificationKey | UnfitKey] = {}
    for jwk in listed:
        if _SECRET & jwk.keys() or jwk.get("kty") == "oct":
            raise ValueError("the set publishes a secret key")
        kid = jwk.get("kid")
        if not isinstance(kid, str) or not kid:
            continue
        if kid in found:
            raise ValueError("two keys have one kid")
        found[kid] = _read(jwk)
    return found


def _read(jwk: Mapping[str, Any]) -> VerificationKey | UnfitKey:
    if jwk.get("use", "sig") != "sig":
        return UnfitKey("its use is not sig")
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        return UnfitKey("its key_ops do not allow it to verify")
    kind = jwk.get("kty")
    if kind not in ("RSA", "EC"):
        return UnfitKey("its kty is neither RSA nor EC")
    # Only what makes the key goes on: nothing beside it can change what it means.
    members = {name: value for name in _MEMBERS[kind] if isinstance(value := jwk.get(name), str)}
    if len(members) < len(_MEMBERS[kind]):
        return UnfitKey("its parameters are incomplete")
    fitting = _algorithms(kind, members)
    if "alg" in jwk:
        fitting &= {jwk["alg"]} if isinstance(jwk["alg"], str) else frozenset()
    if not fitting:
        return UnfitKey("no algorithm fits it: a short RSA key, another curve, another alg")
    from trunkline.tokens.jose import import_key  # cryptography is imported on first use only

    try:
        return VerificationKey(fitting, import_key({"kty": kind, **members}))
    except ValueError:
        return UnfitKey("its parameters make no key")


def _algorithms(kind: str, members: Mapping[str, str]) -> frozenset[str]:
    if kind == "EC":
        algorithm = CURVE_ALGORITHMS.get(members["crv"])
        return frozenset() if algorithm is None else frozenset({algorithm})
    try:
        bits = int.from_bytes(decoded(members["n"])).bit_length()
    except ValueError:
        return frozenset()
    return RSA_ALGORITHMS if bits >= MIN_RSA_BITS else frozenset()
