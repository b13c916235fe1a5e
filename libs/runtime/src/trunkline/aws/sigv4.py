"""Signature Version 4 of one kind of request: a POST to the root of an AWS endpoint.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import time
from functools import lru_cache
from typing import NamedTuple


class Credentials(NamedTuple):
    """What a request is signed with."""

    access_key: str
    secret_key: str
    token: str | None
    """Of temporary credentials."""


def signed(
    headers: dict[str, str],
    body: bytes,
    *,
    path: str,
    credentials: Credentials,
    service: str,
    region: str,
    now: float,
) -> dict[str, str]:
    """The headers of a POST with its signature.

    Args:
        headers: all that are signed, ``host`` among them; names in lower case.
        body: as it is sent.
        path: of the request; ``/`` unless the endpoint has one.
        credentials: the role's.
        service: as signatures name it, ``dynamodb``.
        region: of the endpoint.
        now: seconds since 1970.
    """
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    headers = {**headers, "x-amz-date": moment}
    if credentials.token is not None:
        headers["x-amz-security-token"] = credentials.token
    names = sorted(headers)
    signed_names = ";".join(names)
    canonical = "\n".join(
        (
            "POST",
            path,
            "",
            *(f"{name}:{headers[name]}" for name in names),
            "",
            signed_names,
            hashlib.sha256(body).hexdigest(),
        )
    )
    scope = f"{moment[:8]}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}"
    key = _key(credentials.secret_key, moment[:8], region, service)
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, "
        f"SignedHeaders={signed_names}, Signature={signature}"
    )
    return headers


@lru_cache(maxsize=8)
def _key(secret: str, day: str, region: str, service: str) -> bytes:
    """The signing key, which lasts a day."""
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
