"""The caller of a request that carries its token itself."""

from __future__ import annotations

import logging
import re

from trunkline.errors import TokenRefused, Unauthenticated
from trunkline.identity import Caller
from trunkline.tokens.refusal import Refusal
from trunkline.tokens.verifier import TokenVerifier

logger = logging.getLogger(__name__)

_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/=-]+)", re.IGNORECASE)
"""RFC 6750, section 2.1."""


def caller_from_bearer(authorization: str | None, verifier: TokenVerifier) -> Caller:
    """Who makes a request.

    The first token of an unknown key waits for the issuer, three seconds at most; in an event loop
    call it by ``asyncio.to_thread``.

    Args:
        authorization: the request's ``Authorization`` header, ``None`` if it has none or several.
        verifier: of the tokens that are good here.

    Raises:
        Unauthenticated: there is no token, or it is not good. Why is logged, and is in the
            error's ``reason``; the bearer is not told.
        Unavailable: the issuer's keys cannot be had.
    """
    if not authorization:
        raise Unauthenticated("sign in first")
    try:
        return verifier.caller(_token(authorization))
    except TokenRefused as refused:
        logger.info("token refused", extra={"reason": refused.reason, "fact": refused.fact})
        raise


def _token(authorization: str) -> str:
    match = _BEARER.fullmatch(authorization)
    if match is None:
        raise TokenRefused(Refusal.MALFORMED, "the header is not Bearer and a token")
    return match.group(1)
