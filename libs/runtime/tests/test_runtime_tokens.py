"""Tokens verified by ourselves, against the published classes of attacks.

RFC 8725 (JWT best current practices) lists most; the others are named where they stand.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import logging
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from minting import (
    CLIENT,
    ISSUER,
    NOW,
    POOL,
    Issuer,
    access_claims,
    b64,
    ec_key,
    jwk_of,
    mint,
    number64,
    rsa_key,
    sign,
)

from trunkline.api.problems import problem_response
from trunkline.errors import DeclarationError, TokenRefused, Unauthenticated
from trunkline.testing.tokens import TokenIssuer
from trunkline.tokens import TokenVerifier, caller_from_bearer, cognito, oidc
from trunkline.tokens.key_source import KeySource
from trunkline.tokens.keys import ASYMMETRIC
from trunkline.tokens.refusal import Refusal

GENUINE = {"alg": "RS256", "kid": "rsa-1"}
PROVIDER = "https://id.example.com"
API = "https://api.example.com"


def unmoved() -> float:
    return 0.0


def verifier_of(issuer: Issuer, at: float = NOW, **changes: Any) -> TokenVerifier:
    """A verifier of Cognito's access tokens."""
    keys = KeySource(f"{ISSUER}/.well-known/jwks.json", fetch=issuer.fetch, clock=unmoved)
    settings: dict[str, Any] = {"clients": [CLIENT], "keys": keys, "clock": lambda: at, **changes}
    return cognito(POOL, **settings)


def oidc_verifier_of(issuer: Issuer, **changes: Any) -> TokenVerifier:
    """A verifier of another provider's tokens that allows every algorithm there is."""
    keys = KeySource(f"{PROVIDER}/jwks", fetch=issuer.fetch, clock=unmoved)
    settings: dict[str, Any] = {
        "audiences": [API],
        "keys": keys,
        "algorithms": ASYMMETRIC,
        "clock": lambda: NOW,
        **changes,
    }
    return oidc(PROVIDER, **settings)


def oidc_claims(**changes: Any) -> dict[str, Any]:
    return access_claims(iss=PROVIDER, aud=API, client_id=..., token_use=..., **changes)


def refusal(verifier: TokenVerifier, token: str) -> Refusal:
    """Why a token is refused; the error must not repeat any of it."""
    with pytest.raises(TokenRefused) as refused:
        verifier.claims(token)
    error = refused.value
    told = f"{error} {error.args} {error.fact} {error.detail} {error.reason}"
    for segment in token.split("."):
        assert len(segment) < 8 or segment not in told
    return Refusal(error.reason)


# --- good tokens --------------------------------------------------------------------------------


def test_a_good_token_names_its_caller() -> None:
    """Subject, groups and scopes come from the claims, which are read-only."""
    token = Issuer().token(
        access_claims(**{"cognito:groups": ["support", "staff"], "scope": "a/read a/write"})
    )
    caller = caller_from_bearer(f"Bearer {token}", verifier_of(Issuer()))
    assert (caller.kind, caller.subject) == ("customer", "ann")
    assert caller.groups == {"support", "staff"}
    assert caller.scopes == {"a/read", "a/write"}
    assert caller.claims["client_id"] == CLIENT
    with pytest.raises(TypeError):
        caller.claims["sub"] = "bob"  # type: ignore[index]


def test_an_id_token_is_for_its_audience() -> None:
    """Cognito's ID tokens say in `aud` what its access tokens say in `client_id`."""
    claims = access_claims(token_use="id", aud=CLIENT, client_id=..., email="ann@example.com")
    token = Issuer().token(claims)
    assert verifier_of(Issuer(), use="id").claims(token)["email"] == "ann@example.com"


@pytest.mark.parametrize("algorithm", sorted(ASYMMETRIC))
def test_each_asymmetric_algorithm_works(algorithm: str) -> None:
    """Every algorithm that can be allowed verifies what cryptography itself has signed."""
    curves = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
    key = ec_key(curves[algorithm]) if algorithm in curves else rsa_key()
    issuer = Issuer(keys={"k": key})
    header = {"alg": algorithm, "kid": "k", "typ": "at+jwt"}
    token = issuer.token(oidc_claims(), header=header, kid="k", algorithm=algorithm)
    assert oidc_verifier_of(issuer).claims(token)["sub"] == "ann"


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt"])
def test_types_are_compared_as_media_types(typ: str) -> None:
    """Case and the prefix `application/` do not matter (RFC 7515, section 4.1.9)."""
    token = Issuer().token(oidc_claims(), header={**GENUINE, "typ": typ})
    assert oidc_verifier_of(Issuer()).caller(token).subject == "ann"


def test_unknown_header_members_are_ignored() -> None:
    """What is not understood and not critical has no meaning (RFC 7515, section 4)."""
    token = Issuer().token(header={**GENUINE, "x5t": "abc", "shop": {"a": 1}})
    assert verifier_of(Issuer()).claims(token)["sub"] == "ann"


# --- attacks: each is refused, for the right reason ---------------------------------------------


def all_casings(word: str) -> list[str]:
    return ["".join(one) for one in itertools.product(*((c, c.upper()) for c in word))]


@pytest.mark.parametrize("algorithm", [*all_casings("none"), "", "NONE ", "none\0"])
@pytest.mark.parametrize("signed", [b"", b"x"], ids=["unsigned", "signed"])
def test_alg_none(algorithm: str, signed: bytes) -> None:
    """CVE-2015-9235 and its casings: an unsigned token is no token."""
    token = mint({**GENUINE, "alg": algorithm}, access_claims(), lambda _: signed)
    expected = Refusal.ALGORITHM if signed else Refusal.MALFORMED
    assert refusal(verifier_of(Issuer()), token) is expected


def public_key_texts() -> list[bytes]:
    public = rsa_key().public_key()
    texts = [
        public.public_bytes(encoding, form)
        for encoding in (Encoding.PEM, Encoding.DER)
        for form in (PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1)
    ]
    jwk = jwk_of(rsa_key(), kid="rsa-1")
    return [*texts, *(text.strip() for text in texts[:2]), json.dumps(jwk).encode(), b""]


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("number", range(8))
def test_public_key_as_secret(algorithm: str, number: int) -> None:
    """CVE-2016-10555: an HMAC with the published key as secret is nobody's signature."""
    secret, digest = public_key_texts()[number], getattr(hashlib, f"sha{algorithm[2:]}")
    token = mint(
        {**GENUINE, "alg": algorithm},
        access_claims(),
        lambda message: hmac.digest(secret, message, digest),
    )
    assert refusal(verifier_of(Issuer()), token) is Refusal.ALGORITHM
    assert refusal(oidc_verifier_of(Issuer(), typ="JWT"), token) is Refusal.ALGORITHM


ATTACKER = rsa_key(2048, 1)
BRINGING = {
    "jwk": jwk_of(ATTACKER, kid="rsa-1"),
    "jku": "https://attacker.example/jwks.json",
    "x5u": "https://attacker.example/cert.pem",
    "x5c": ["MIIB"],
}


@pytest.mark.parametrize("member", sorted(BRINGING))
@pytest.mark.parametrize("kid", ["rsa-1", "attacker"])
@pytest.mark.parametrize("genuine", [False, True], ids=["forged", "signed by the issuer"])
def test_a_token_never_brings_its_key(member: str, kid: str, genuine: bool) -> None:
    """CVE-2018-0114: keys in, and pointed at by, the header are never used, nor fetched."""
    issuer = Issuer()
    key = rsa_key() if genuine else ATTACKER
    header = {"alg": "RS256", "kid": kid, member: BRINGING[member]}
    token = mint(header, access_claims(), lambda message: sign(message, key, "RS256"))
    assert refusal(verifier_of(issuer), token) is Refusal.HEADER
    assert issuer.fetched == []


@pytest.mark.parametrize(
    "kid",
    [
        "../../../../dev/null",
        "https://attacker.example/key",
        "' UNION SELECT 'key",
        "rsa-1\0",
        "RSA-1",
        " rsa-1",
        "rsa",
        "__class__",
        "x" * 2000,
    ],
)
def test_kid_is_a_name_and_nothing_else(kid: str) -> None:
    """Whatever `kid` says, it is looked up among the issuer's keys, at the issuer's address."""
    issuer = Issuer()
    token = mint({**GENUINE, "kid": kid}, access_claims(), lambda m: sign(m, ATTACKER, "RS256"))
    assert refusal(verifier_of(issuer), token) is Refusal.KEY
    assert issuer.fetched == [f"{ISSUER}/.well-known/jwks.json"]


@pytest.mark.parametrize("kid", [None, "", 1, True, ["rsa-1"], {"rsa-1": 1}, ...])
def test_kid_is_required(kid: object) -> None:
    """A token that names no key is refused before any key is looked for."""
    issuer = Issuer()
    header = {"alg": "RS256"} if kid is ... else {"alg": "RS256", "kid": kid}
    assert refusal(verifier_of(issuer), issuer.token(header=header)) is Refusal.KEY
    assert issuer.fetched == []


@pytest.mark.parametrize("algorithm", [None, 1, True, ["RS256"], {"RS256": 1}, ..., "rs256", "RS1"])
def test_alg_is_a_known_name(algorithm: object) -> None:
    """No other type than a string, no other casing, no absence."""
    header = {"kid": "rsa-1"} if algorithm is ... else {"kid": "rsa-1", "alg": algorithm}
    assert refusal(verifier_of(Issuer()), Issuer().token(header=header)) is Refusal.ALGORITHM


@pytest.mark.parametrize("algorithm", [*sorted(ASYMMETRIC - {"RS256"}), "ES256K", "EdDSA", "dir"])
def test_only_allowed_algorithms(algorithm: str) -> None:
    """A user pool signs with RS256 alone, so a genuine signature of another kind is refused."""
    issuer = Issuer()
    token = mint(
        {**GENUINE, "alg": algorithm},
        access_claims(),
        lambda m: sign(m, rsa_key(), algorithm if algorithm[:2] in ("RS", "PS") else "RS256"),
    )
    assert refusal(verifier_of(issuer), token) is Refusal.ALGORITHM
    assert issuer.fetched == []


KEYS = {
    "rsa": rsa_key(),
    "p256": ec_key("P-256"),
    "p384": ec_key("P-384"),
    "k1": ec_key("secp256k1"),
}


@pytest.mark.parametrize(
    ("kid", "algorithm"),
    [
        ("p384", "ES256"),
        ("p256", "ES384"),
        ("p256", "ES512"),
        ("p256", "RS256"),
        ("rsa", "ES256"),
        ("p256", "PS256"),
    ],
)
def test_algorithm_fits_the_key(kid: str, algorithm: str) -> None:
    """A curve has one algorithm, and neither type of key verifies for the other."""
    issuer = Issuer(keys=KEYS)
    header = {"alg": algorithm, "kid": kid, "typ": "at+jwt"}
    real = {"p384": "ES256", "p256": f"ES{algorithm[2:]}", "rsa": "RS256"}[kid]
    token = mint(header, oidc_claims(), lambda message: sign(message, KEYS[kid], real))
    assert refusal(oidc_verifier_of(issuer), token) is Refusal.ALGORITHM


@pytest.mark.parametrize(
    ("jwk", "algorithm"),
    [
        pytest.param(jwk_of(rsa_key(), use="enc"), "RS256", id="use enc"),
        pytest.param(jwk_of(rsa_key(), use="SIG"), "RS256", id="use SIG"),
        pytest.param(jwk_of(rsa_key(), use=None), "RS256", id="use null"),
        pytest.param(jwk_of(rsa_key(), key_ops=["encrypt"]), "RS256", id="key_ops encrypt"),
        pytest.param(jwk_of(rsa_key(), key_ops=[]), "RS256", id="key_ops empty"),
        pytest.param(jwk_of(rsa_key(), key_ops="verify"), "RS256", id="key_ops a string"),
        pytest.param(jwk_of(rsa_key(), alg="RSA-OAEP"), "RS256", id="alg of encryption"),
        pytest.param(jwk_of(rsa_key(), alg=["RS256"]), "RS256", id="alg a list"),
        pytest.param(jwk_of(rsa_key(1024)), "RS256", id="1024 bits"),
        pytest.param({**jwk_of(rsa_key()), "kty": "rsa"}, "RS256", id="kty rsa"),
        pytest.param({**jwk_of(rsa_key()), "kty": "OKP"}, "RS256", id="kty OKP"),
        pytest.param({**jwk_of(rsa_key()), "e": number64(1)}, "RS256", id="exponent 1"),
        pytest.param({**jwk_of(rsa_key()), "e": number64(2)}, "RS256", id="even exponent"),
        pytest.param({**jwk_of(rsa_key()), "n": 5}, "RS256", id="modulus no text"),
        pytest.param({**jwk_of(rsa_key()), "n": "="}, "RS256", id="modulus no base64"),
        pytest.param({"kty": "RSA", "e": "AQAB"}, "RS256", id="no modulus"),
        pytest.param(jwk_of(ec_key("secp256k1")), "ES256", id="secp256k1"),
        pytest.param({**jwk_of(ec_key()), "crv": "P-384"}, "ES384", id="point of another curve"),
        pytest.param({**jwk_of(ec_key()), "x": b64(b"\1" * 32)}, "ES256", id="point on no curve"),
        pytest.param({**jwk_of(ec_key()), "x": "", "y": ""}, "ES256", id="no point"),
    ],
)
def test_unfit_keys_verify_nothing(jwk: dict[str, Any], algorithm: str) -> None:
    """A key for something else, a short one, a broken one: what names it is refused."""
    issuer = Issuer(keys={"k": rsa_key()}, published=[{**jwk, "kid": "k"}, jwk_of(ATTACKER)])
    header = {"alg": algorithm, "kid": "k", "typ": "at+jwt"}
    token = mint(header, oidc_claims(), lambda m: sign(m, rsa_key(), "RS256"))
    assert refusal(oidc_verifier_of(issuer), token) is Refusal.KEY


def test_a_key_of_one_algorithm_verifies_no_other() -> None:
    """A key that says RS256 is not used for PS256, though the numbers would do."""
    issuer = Issuer(published=[jwk_of(rsa_key(), kid="rsa-1", alg="RS256")])
    header = {"alg": "PS256", "kid": "rsa-1", "typ": "at+jwt"}
    token = issuer.token(oidc_claims(), header=header, algorithm="PS256")
    assert refusal(oidc_verifier_of(issuer), token) is Refusal.ALGORITHM


def replaced_signature(change: Callable[[bytes], bytes]) -> Callable[[str], str]:
    def apply(token: str) -> str:
        message, _, signature = token.rpartition(".")
        raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
        return f"{message}.{b64(change(raw))}"

    return apply


P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def numbers(r: int, s: int) -> bytes:
    return r.to_bytes(32) + s.to_bytes(32)


def as_der(signature: bytes) -> bytes:
    half = len(signature) // 2
    return encode_dss_signature(int.from_bytes(signature[:half]), int.from_bytes(signature[half:]))


BROKEN_SIGNATURES = {
    "one byte short": lambda s: s[:-1],
    "first byte gone": lambda s: s[1:],
    "one byte": lambda s: s[:1],
    "half": lambda s: s[: len(s) // 2],
    "one byte more": lambda s: s + b"\0",
    "one byte before": lambda s: b"\0" + s,
    "twice": lambda s: s + s,
    "all zero": lambda s: bytes(len(s)),
    "all ones": lambda s: b"\xff" * len(s),
    "another bit": lambda s: bytes([s[0] ^ 1]) + s[1:],
    "DER": as_der,
}


@pytest.mark.parametrize("broken", sorted(BROKEN_SIGNATURES))
@pytest.mark.parametrize(
    ("kid", "algorithm"), [("rsa", "RS256"), ("rsa", "PS256"), ("p256", "ES256")]
)
def test_truncated_and_padded_signatures(kid: str, algorithm: str, broken: str) -> None:
    """A signature has one length and one form."""
    issuer = Issuer(keys=KEYS)
    header = {"alg": algorithm, "kid": kid, "typ": "at+jwt"}
    token = issuer.token(oidc_claims(), header=header, kid=kid, algorithm=algorithm)
    forged = replaced_signature(BROKEN_SIGNATURES[broken])(token)
    assert refusal(oidc_verifier_of(issuer), forged) is Refusal.SIGNATURE


@pytest.mark.parametrize(
    ("r", "s"),
    [
        (0, 0),
        (P256_ORDER, P256_ORDER),
        (0, 1),
        (1, 0),
        (P256_ORDER, 1),
        (1, P256_ORDER),
        (1, 1),
        (2**256 - 1, 2**256 - 1),
    ],
)
def test_psychic_signatures(r: int, s: int) -> None:
    """CVE-2022-21449: numbers outside of 1 to n-1 fit no message."""
    issuer = Issuer(keys=KEYS)
    header = {"alg": "ES256", "kid": "p256", "typ": "at+jwt"}
    token = mint(header, oidc_claims(), lambda _: numbers(r, s))
    assert refusal(oidc_verifier_of(issuer), token) is Refusal.SIGNATURE


def with_padding(token: str) -> str:
    return ".".join(segment + "=" * (-len(segment) % 4 or 4) for segment in token.split("."))


def other_trailing_bits(token: str) -> str:
    """The same signature bytes in another text: the last character's unused bits are not zero."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert len(token.rpartition(".")[2]) % 4
    return token[:-1] + alphabet[alphabet.index(token[-1]) ^ 1]


FORMS = {
    "nothing": lambda t: "",
    "dots": lambda t: "..",
    "no signature": lambda t: t.rpartition(".")[0],
    "empty signature": lambda t: t.rpartition(".")[0] + ".",
    "empty claims": lambda t: f"{t.split('.')[0]}..{t.split('.')[2]}",
    "empty header": lambda t: f".{t.split('.', 1)[1]}",
    "four segments": lambda t: f"{t}.e30",
    "five segments, as JWE": lambda t: f"{t}.e30.e30",
    "padding": with_padding,
    "padding of the signature": lambda t: t + "==",
    "other trailing bits": other_trailing_bits,
    "the other alphabet": lambda t: t.replace("-", "+").replace("_", "/"),
    "a line break": lambda t: t[:20] + "\n" + t[20:],
    "a space before": lambda t: " " + t,
    "a line break at the end": lambda t: t + "\n",
    "a letter that looks the same": lambda t: t[:-5] + "\N{CYRILLIC SMALL LETTER A}" + t[-4:],
    "a null byte": lambda t: t + "\0",
    "JSON serialization": lambda t: json.dumps(
        dict(zip(("protected", "payload", "signature"), t.split("."), strict=True))
    ),
    "too long": lambda t: t + "A" * 17_000,
    "far too long": lambda t: t * 10_000,
}


@pytest.mark.parametrize("form", sorted(FORMS))
def test_a_token_has_one_form(form: str) -> None:
    """Three segments of canonical base64url within 16 KiB; else no key is even looked for."""
    issuer = Issuer()
    token = FORMS[form](issuer.token(access_claims(jti="_-_-????>>>>")))
    assert refusal(verifier_of(issuer), token) is Refusal.MALFORMED
    assert issuer.fetched == []


def claims_text(extra: str) -> bytes:
    return (json.dumps(access_claims())[:-1] + f", {extra}}}").encode()


@pytest.mark.parametrize(
    "extra",
    [
        '"sub": "bob"',
        '"sub": "ann"',
        '"\\u0073ub": "bob"',
        f'"exp": {NOW * 2}',
        '"deep": [{"a": 1, "a": 2}]',
        '"n": NaN',
        '"n": Infinity',
        '"n": -Infinity',
        '"n": 1e999',
        f'"n": {"9" * 5000}',
        f'"n": {"[" * 3000}{"]" * 3000}',
    ],
)
def test_claims_are_read_one_way(extra: str) -> None:
    """Duplicate members, numbers that are none, bottomless nesting: refused though signed."""
    assert refusal(verifier_of(Issuer()), Issuer().token(claims_text(extra))) is Refusal.MALFORMED


@pytest.mark.parametrize(
    "claims",
    [
        b"[]",
        b'"text"',
        b"null",
        b"1",
        b"{",
        b"{}x",
        b"\xff\xfe",
        json.dumps(access_claims()).encode("utf-16"),
        json.dumps(access_claims()).encode("utf-8-sig"),
        f"[{json.dumps(access_claims())}]".encode(),
    ],
)
def test_claims_are_an_object(claims: bytes) -> None:
    """Anything but a JSON object in UTF-8 is refused, though signed."""
    assert refusal(verifier_of(Issuer()), Issuer().token(claims)) is Refusal.MALFORMED


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"RS256","kid":"rsa-1","alg":"none"}',
        b'{"alg":"none","kid":"rsa-1","alg":"RS256"}',
        b'{"alg":"RS256","kid":"attacker","kid":"rsa-1"}',
        b'{"alg":"RS256","kid":"rsa-1","\\u0061lg":"RS256"}',
        b'{"alg":"RS256","kid":"rsa-1","x":{"y":1,"y":2}}',
        b'{"alg":"RS256","kid":"rsa-1","x":NaN}',
        b'["alg","kid"]',
        b'"alg"',
        b"null",
        b"{}{}",
        b"\xff",
        b"[" * 5000,
    ],
)
def test_the_header_is_read_one_way(header: bytes) -> None:
    """Duplicate members and what is no object are refused before a key is looked for."""
    issuer = Issuer()
    assert refusal(verifier_of(issuer), issuer.token(header=header)) is Refusal.MALFORMED
    assert issuer.fetched == []


@pytest.mark.parametrize(
    "members",
    [
        {"crit": []},
        {"crit": ["exp"], "exp": 1},
        {"crit": ["kid"]},
        {"crit": ["b64"], "b64": False},
        {"crit": None},
        {"b64": False},
        {"b64": True},
        {"cty": "JWT"},
        {"enc": "A256GCM"},
        {"zip": "DEF"},
    ],
)
def test_nothing_else_is_done_with_a_token(members: dict[str, Any]) -> None:
    """Critical extensions, unencoded payloads, nesting, encryption and compression are refused."""
    token = Issuer().token(header={**GENUINE, **members})
    assert refusal(verifier_of(Issuer()), token) is Refusal.HEADER


def test_an_encrypted_token_is_refused() -> None:
    """Nobody decrypts: an encrypted token has five segments, and `enc` in its header."""
    header = b64(json.dumps({"alg": "RSA-OAEP", "enc": "A256GCM", "kid": "rsa-1"}).encode())
    assert refusal(verifier_of(Issuer()), f"{header}.a.b.c.d") is Refusal.MALFORMED
    assert refusal(verifier_of(Issuer()), f"{header}.e30.e30") is Refusal.HEADER


def test_a_nested_token_is_refused() -> None:
    """A good token inside of a good token is no claims."""
    inner = Issuer().token()
    assert refusal(verifier_of(Issuer()), Issuer().token(inner.encode())) is Refusal.MALFORMED


# --- what the claims must say -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"iss": f"{ISSUER}/"}, Refusal.ISSUER),
        ({"iss": ISSUER.upper()}, Refusal.ISSUER),
        ({"iss": ISSUER.replace("Ab12", "Xy12")}, Refusal.ISSUER),
        ({"iss": [ISSUER]}, Refusal.ISSUER),
        ({"iss": None}, Refusal.ISSUER),
        ({"iss": ...}, Refusal.ISSUER),
        ({"client_id": "client-2"}, Refusal.AUDIENCE),
        ({"client_id": "client"}, Refusal.AUDIENCE),
        ({"client_id": "client-11"}, Refusal.AUDIENCE),
        ({"client_id": ...}, Refusal.AUDIENCE),
        ({"client_id": ..., "aud": CLIENT}, Refusal.AUDIENCE),
        ({"client_id": {CLIENT: 1}}, Refusal.AUDIENCE),
        ({"client_id": [CLIENT, 1]}, Refusal.AUDIENCE),
        ({"client_id": []}, Refusal.AUDIENCE),
        ({"token_use": "id"}, Refusal.USE),
        ({"token_use": "ACCESS"}, Refusal.USE),
        ({"token_use": ["access"]}, Refusal.USE),
        ({"token_use": ...}, Refusal.USE),
        ({"sub": ...}, Refusal.CLAIMS),
        ({"sub": ""}, Refusal.CLAIMS),
        ({"sub": 1}, Refusal.CLAIMS),
        ({"sub": ["ann"]}, Refusal.CLAIMS),
    ],
)
def test_claims_must_be_those_expected(changes: dict[str, Any], expected: Refusal) -> None:
    """Another issuer, another audience, another kind, nobody: refused, though signed."""
    token = Issuer().token(access_claims(**changes))
    assert refusal(verifier_of(Issuer()), token) is expected


def test_an_access_token_is_no_id_token() -> None:
    """Neither kind does for the other, even if it names the audience both ways."""
    both = {"aud": CLIENT, "client_id": CLIENT}
    for use, other in (("access", "id"), ("id", "access")):
        token = Issuer().token(access_claims(token_use=other, **both))
        assert refusal(verifier_of(Issuer(), use=use), token) is Refusal.USE


@pytest.mark.parametrize("typ", ["JWT", "jwt", "logout+jwt", "dpop+jwt", "", None, 1, ["at+jwt"]])
def test_another_kind_of_token_is_refused(typ: object) -> None:
    """Cross-JWT confusion: an ID, logout or proof token of the same issuer is no access token."""
    token = Issuer().token(oidc_claims(), header={**GENUINE, "typ": typ})
    assert refusal(oidc_verifier_of(Issuer()), token) is Refusal.TYPE
    assert refusal(oidc_verifier_of(Issuer()), Issuer().token(oidc_claims())) is Refusal.TYPE


def test_where_jwt_is_wanted_no_other_type_does() -> None:
    """A user pool's tokens have no type or JWT; one that says it is something else is refused."""
    assert verifier_of(Issuer()).claims(Issuer().token(header={**GENUINE, "typ": "JWT"}))
    token = Issuer().token(header={**GENUINE, "typ": "logout+jwt"})
    assert refusal(verifier_of(Issuer()), token) is Refusal.TYPE


@pytest.mark.parametrize(
    ("audience", "good"),
    [
        (API, True),
        ([API], True),
        (["https://other.example", API], True),
        ("https://other.example", False),
        ([], False),
        ([API, 1], False),
        ({API: 1}, False),
        (f"{API}/", False),
        (f"{API} https://other.example", False),
        (None, False),
    ],
)
def test_audiences(audience: object, good: bool) -> None:
    """`aud` is a string or a list of strings, compared whole (RFC 7519, section 4.1.3)."""
    header = {**GENUINE, "typ": "at+jwt"}
    token = Issuer().token({**oidc_claims(), "aud": audience}, header=header)
    verifier = oidc_verifier_of(Issuer())
    if good:
        assert verifier.caller(token).subject == "ann"
    else:
        assert refusal(verifier, token) is Refusal.AUDIENCE


ODD_DATES = [None, True, False, "9999999999", "", [NOW], {}, 10**400, -(10**400)]


@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
@pytest.mark.parametrize("value", ODD_DATES, ids=lambda v: str(v)[:12])
def test_dates_are_numbers(claim: str, value: object) -> None:
    """A boolean, a text, nothing, or a number beyond all dates is no date."""
    token = Issuer().token(access_claims(**{claim: value}))
    assert refusal(verifier_of(Issuer()), token) is Refusal.CLAIMS


@pytest.mark.parametrize("claim", ["exp", "iat"])
def test_dates_are_required(claim: str) -> None:
    """A token that never ends, or of unknown age, is refused."""
    token = Issuer().token(access_claims(**{claim: ...}))
    assert refusal(verifier_of(Issuer()), token) is Refusal.CLAIMS


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"exp": NOW - 29.5}, None),
        ({"exp": NOW - 30}, Refusal.EXPIRED),
        ({"exp": NOW - 31}, Refusal.EXPIRED),
        ({"exp": 0}, Refusal.EXPIRED),
        ({"exp": -1}, Refusal.EXPIRED),
        ({"nbf": NOW + 30}, None),
        ({"nbf": NOW + 30.5}, Refusal.EARLY),
        ({"iat": NOW + 30}, None),
        ({"iat": NOW + 31}, Refusal.EARLY),
        ({"iat": NOW - 10**9}, None),
    ],
)
def test_dates_have_leeway_and_an_edge(changes: dict[str, Any], expected: Refusal | None) -> None:
    """Clocks may differ by 30 s: to the moment, and no longer."""
    token = Issuer().token(access_claims(**changes))
    if expected is None:
        assert verifier_of(Issuer()).claims(token)
    else:
        assert refusal(verifier_of(Issuer()), token) is expected


@given(st.integers(0, 300), st.integers(-600, 600))
def test_a_token_lives_from_nbf_to_exp(leeway: int, offset: int) -> None:
    """At every moment a token is good just when the moment is in its life, give or take leeway."""
    issuer = Issuer()
    token = issuer.token(access_claims(nbf=NOW - 100, iat=NOW - 100, exp=NOW + 100))
    verifier = verifier_of(issuer, at=NOW + offset, leeway=leeway)
    if offset >= 100 + leeway:
        assert refusal(verifier, token) is Refusal.EXPIRED
    elif offset < -100 - leeway:
        assert refusal(verifier, token) is Refusal.EARLY
    else:
        assert verifier.claims(token)["sub"] == "ann"


@pytest.mark.parametrize("groups", [None, "support", {"support": 1}, [["support"]], [1]])
def test_odd_groups_are_none(groups: object) -> None:
    """Groups are a list of strings; whatever else it is gives nobody anything."""
    token = Issuer().token(access_claims(**{"cognito:groups": groups, "scope": ["a"]}))
    caller = verifier_of(Issuer()).caller(token)
    assert (caller.groups, caller.scopes) == (frozenset(), frozenset())


# --- whatever is sent ---------------------------------------------------------------------------

SIGNED = {
    "RS256": (Issuer().token(), verifier_of(Issuer())),
    "ES256": (
        Issuer(keys=KEYS).token(
            oidc_claims(),
            header={"alg": "ES256", "kid": "p256", "typ": "at+jwt"},
            kid="p256",
            algorithm="ES256",
        ),
        oidc_verifier_of(Issuer(keys=KEYS)),
    ),
}
CHARACTERS = st.sampled_from("ABCDEFGHabcdefgh0123456789-_.=+/ \n\0é")


@st.composite
def mutations(draw: st.DrawFn) -> tuple[str, str]:
    """An algorithm, and a changed text of its good token."""
    algorithm = draw(st.sampled_from(sorted(SIGNED)))
    text = SIGNED[algorithm][0]
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = start + draw(st.sampled_from([0, 1, 4, 400]))
        text = text[:start] + draw(st.text(CHARACTERS, max_size=4)) + text[end:]
    return algorithm, text


@given(mutations())
def test_a_changed_token_is_refused_or_says_the_same(mutation: tuple[str, str]) -> None:
    """No change of a good token makes a good token that says something else."""
    algorithm, text = mutation
    token, verifier = SIGNED[algorithm]
    try:
        claims = verifier.claims(text)
    except TokenRefused:
        assert text != token
    else:
        assert claims == verifier.claims(token)


def test_the_other_half_of_an_ecdsa_signature_says_the_same() -> None:
    """ECDSA is malleable: (r, n-s) is a second signature of the same claims, and of no others."""
    token, verifier = SIGNED["ES256"]

    def mirrored(signature: bytes) -> bytes:
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
        return numbers(r, P256_ORDER - s)

    assert verifier.claims(replaced_signature(mirrored)(token)) == verifier.claims(token)


@given(st.text(), st.sampled_from(["", "Bearer ", "bearer  ", "Basic "]))
def test_any_header_is_answered_within_our_errors(text: str, scheme: str) -> None:
    """Whatever the header says, it is refused, and nothing else is raised."""
    with pytest.raises(Unauthenticated):
        caller_from_bearer(scheme + text, SIGNED["RS256"][1])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
NAMES = st.sampled_from(
    [
        "alg",
        "kid",
        "typ",
        "iss",
        "aud",
        "client_id",
        "token_use",
        "exp",
        "iat",
        "nbf",
        "sub",
        "cognito:groups",
        "scope",
    ]
)


@given(st.dictionaries(NAMES, JSON, max_size=4), st.dictionaries(NAMES, JSON, max_size=4))
def test_any_signed_content_is_answered_within_our_errors(
    header: dict[str, Any], claims: dict[str, Any]
) -> None:
    """Even what the issuer has signed raises nothing but a refusal, and names somebody if good."""
    token = Issuer().token(access_claims(**claims), header={**GENUINE, **header})
    try:
        caller = SIGNED["RS256"][1].caller(token)
    except TokenRefused:
        return
    assert caller.subject


# --- the header, the errors, the declaration ----------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic {}",
        "{}",
        "Bearer {}, Bearer {}",
        "Bearer\t{}",
        "Bearer {} ",
    ],
)
def test_only_a_bearer_header_counts(header: str | None) -> None:
    """One token, after the word Bearer (RFC 6750, section 2.1)."""
    token = Issuer().token()
    with pytest.raises(Unauthenticated):
        caller_from_bearer(header and header.format(token, token), verifier_of(Issuer()))
    for good in ("Bearer", "bearer", "BEARER "):
        assert caller_from_bearer(f"{good} {token}", verifier_of(Issuer())).subject == "ann"


def test_every_refusal_looks_the_same_from_outside(caplog: pytest.LogCaptureFixture) -> None:
    """The bearer learns that the token is not valid; the log says why, without the token."""
    caplog.set_level(logging.INFO)
    expired = Issuer().token(access_claims(exp=1))
    forged = replaced_signature(bytes.swapcase)(Issuer().token())
    answers = set()
    for token in (expired, forged, "nonsense"):
        with pytest.raises(TokenRefused) as refused:
            caller_from_bearer(f"Bearer {token}", verifier_of(Issuer()))
        answers.add(problem_response(refused.value, instance="/", trace_id=None).body)
        assert refused.value.status == 401
        assert not refused.value.retryable
    (body,) = answers
    assert json.loads(body)["type"] == Unauthenticated.type_uri()
    reasons = [getattr(record, "reason", None) for record in caplog.records]
    assert reasons == [Refusal.EXPIRED, Refusal.SIGNATURE, Refusal.MALFORMED]
    assert not any(
        token in str(vars(record)) for record in caplog.records for token in (expired, forged)
    )


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: cognito("eu-central-1", clients=["a"]), "is no user pool"),
        (lambda: cognito("x.evil/_a", clients=["a"]), "is no user pool"),
        (lambda: cognito(POOL, clients=[]), "at least one audience"),
        (lambda: cognito(POOL, clients=[""]), "at least one audience"),
        (lambda: cognito(POOL, clients=["a"], leeway=301), "leeway"),
        (lambda: cognito(POOL, clients=["a"], leeway=-1), "leeway"),
        (lambda: cognito(POOL, clients=["a"], leeway=float("nan")), "leeway"),
        (lambda: oidc(PROVIDER, audiences=[API], keys="http://id.example.com/jwks"), "https"),
        (lambda: oidc(PROVIDER, audiences=[API], keys="https://x", algorithms=["HS256"]), "HS256"),
        (lambda: oidc(PROVIDER, audiences=[API], keys="https://x", algorithms=["none"]), "none"),
        (lambda: oidc(PROVIDER, audiences=[API], keys="https://x", algorithms=[]), "nothing"),
    ],
)
def test_verifiers_that_could_not_protect_are_refused(
    wrong: Callable[[], object], words: str
) -> None:
    """A verifier for anybody, over http, with symmetric keys or boundless leeway is none."""
    with pytest.raises(DeclarationError, match=words):
        wrong()


@pytest.mark.parametrize(
    ("pool", "issuer"),
    [
        (POOL, ISSUER),
        ("us-gov-west-1_a", "https://cognito-idp.us-gov-west-1.amazonaws.com/us-gov-west-1_a"),
        ("cn-north-1_a", "https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_a"),
    ],
)
def test_a_user_pools_issuer_follows_from_its_id(pool: str, issuer: str) -> None:
    """A pool's tokens are good when they name the pool's own address."""
    keys = KeySource("https://unused", fetch=Issuer().fetch, clock=unmoved)
    verifier = cognito(pool, clients=CLIENT, keys=keys, clock=lambda: NOW)
    assert verifier.claims(Issuer().token(access_claims(iss=issuer)))["sub"] == "ann"


def test_tests_have_an_issuer_of_their_own() -> None:
    """What `TokenIssuer` signs is believed by its own verifier, as Cognito's is, and ends."""
    issuer = TokenIssuer("app")
    token = issuer.token("ann", groups=["support"], scopes=["a", "b"], email="ann@example.com")
    caller = caller_from_bearer(f"Bearer {token}", issuer.verifier())
    assert (caller.subject, caller.groups, caller.scopes) == ("ann", {"support"}, {"a", "b"})
    assert caller.claims["email"] == "ann@example.com"
    assert refusal(issuer.verifier(), issuer.token("ann", seconds=-60)) is Refusal.EXPIRED
    assert refusal(TokenIssuer("other").verifier(), token) is Refusal.AUDIENCE
    identity = issuer.token("ann", token_use="id", aud="app")
    assert issuer.verifier("id").caller(identity).subject == "ann"
    assert refusal(issuer.verifier(), identity) is Refusal.USE


def test_only_who_verifies_tokens_pays_for_cryptography() -> None:
    """No function imports joserfc or cryptography, nor does a container before its first token."""
    code = (
        "import sys, trunkline.entrypoints, trunkline.api, trunkline.tokens\n"
        "trunkline.tokens.cognito('eu-central-1_a', clients=['a'])\n"
        "print([name for name in ('joserfc', 'cryptography') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
