"""An issuer of tokens, and the tools to forge one: made without joserfc."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from trunkline.errors import Unavailable

NOW = 1_800_000_000
POOL = "eu-central-1_Ab12Cd34E"
CLIENT = "client-1"
ISSUER = f"https://cognito-idp.eu-central-1.amazonaws.com/{POOL}"

CURVES: dict[str, ec.EllipticCurve] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
    "secp256k1": ec.SECP256K1(),
}
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}


@cache
def rsa_key(bits: int = 2048, number: int = 0) -> rsa.RSAPrivateKey:
    """A key pair; the same one for the same arguments."""
    return rsa.generate_private_key(65537, bits)


@cache
def ec_key(curve: str = "P-256", number: int = 0) -> ec.EllipticCurvePrivateKey:
    """A key pair; the same one for the same arguments."""
    return ec.generate_private_key(CURVES[curve])


def b64(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number64(number: int, length: int | None = None) -> str:
    """A number as JWK has it."""
    return b64(number.to_bytes(length or (number.bit_length() + 7) // 8))


def jwk_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, **members: Any) -> dict[str, Any]:
    """The public half."""
    if isinstance(key, rsa.RSAPrivateKey):
        public = key.public_key().public_numbers()
        return {"kty": "RSA", "n": number64(public.n), "e": number64(public.e), **members}
    point = key.public_key().public_numbers()
    length = (key.key_size + 7) // 8
    curve = next(name for name, known in CURVES.items() if known.name == key.curve.name)
    coordinates = {"x": number64(point.x, length), "y": number64(point.y, length)}
    return {"kty": "EC", "crv": curve, **coordinates, **members}


def sign(
    message: bytes, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, algorithm: str
) -> bytes:
    """The signature that an algorithm makes."""
    digest = _HASHES[algorithm[2:5]]
    if isinstance(key, ec.EllipticCurvePrivateKey):
        length = (key.key_size + 7) // 8
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(digest)))
        return r.to_bytes(length) + s.to_bytes(length)
    if algorithm.startswith("PS"):
        pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
        return key.sign(message, pss, digest)
    return key.sign(message, padding.PKCS1v15(), digest)


def mint(
    header: dict[str, Any] | bytes,
    claims: dict[str, Any] | bytes,
    signer: Callable[[bytes], bytes],
) -> str:
    """A token with any header and any claims, signed somehow."""
    parts = [
        part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, claims)
    ]
    message = ".".join(map(b64, parts))
    return f"{message}.{b64(signer(message.encode()))}"


def access_claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good access token of Cognito; a change to ``...`` takes a claim away."""
    claims = {
        "iss": ISSUER,
        "client_id": CLIENT,
        "token_use": "access",
        "sub": "ann",
        "exp": NOW + 300,
        "iat": NOW - 10,
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not ...}


@dataclass
class Issuer:
    """Publishes keys and signs."""

    keys: dict[str, Any] = field(default_factory=lambda: {"rsa-1": rsa_key()})
    """The private keys by ``kid``."""
    published: list[dict[str, Any]] | None = None
    """The JWK set; by default the public halves."""
    fetched: list[str] = field(default_factory=list)
    down: bool = False

    def fetch(self, url: str) -> bytes:
        """What a verifier's fetcher gets."""
        self.fetched.append(url)
        if self.down:
            raise Unavailable("down")
        published = self.published
        if published is None:
            published = [jwk_of(key, kid=kid) for kid, key in self.keys.items()]
        return json.dumps({"keys": published}).encode()

    def token(
        self,
        claims: dict[str, Any] | bytes | None = None,
        *,
        kid: str = "rsa-1",
        algorithm: str = "RS256",
        header: dict[str, Any] | bytes | None = None,
    ) -> str:
        """A token that is signed as its header says."""
        return mint(
            {"alg": algorithm, "kid": kid} if header is None else header,
            access_claims() if claims is None else claims,
            lambda message: sign(message, self.keys[kid], algorithm),
        )
