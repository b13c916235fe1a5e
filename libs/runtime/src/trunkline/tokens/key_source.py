"""Where a verifier finds its issuer's keys: fetched once, kept, fetched anew when they change."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from trunkline.clock import monotonic
from trunkline.errors import DeclarationError, TokenRefused, Unavailable
from trunkline.tokens.fetch import fetch
from trunkline.tokens.keys import UnfitKey, VerificationKey, read_key_set
from trunkline.tokens.refusal import Refusal

logger = logging.getLogger(__name__)

FRESH_SECONDS = 600.0
"""How long keys are used without asking again: a withdrawn key is good for that long."""
KEEP_SECONDS = 3600.0
"""How long they are used while the issuer does not answer."""
PAUSE_SECONDS = 30.0
"""Between two fetches, however many tokens name unknown keys."""
PAUSE_AFTER_FAILURE_SECONDS = 5.0


class KeySource:
    """The keys at one address. Safe for threads; one of them fetches, none waits without need.

    Args:
        url: of a JWK set; begins with ``https://``.
        fetch: gets a document; raises :class:`trunkline.errors.Unavailable`.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        url: str,
        *,
        fetch: Callable[[str], bytes] = fetch,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        if not url.startswith("https://"):
            raise DeclarationError(f"{url!r} does not begin with https://")
        self._url = url
        self._fetch = fetch
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: Mapping[str, VerificationKey | UnfitKey] = {}
        self._fetched = float("-inf")
        self._next = float("-inf")

    def find(self, kid: str) -> VerificationKey:
        """The key that a token names.

        Raises:
            TokenRefused: the issuer has no such key, or it may not verify.
            Unavailable: the issuer's keys cannot be had.
        """
        now = self._clock()
        if kid not in self._keys or now >= self._fetched + FRESH_SECONDS:
            self._refresh(kid)
        if now >= self._fetched + KEEP_SECONDS:
            raise Unavailable(
                "the issuer's keys cannot be had", retry_after=PAUSE_AFTER_FAILURE_SECONDS
            )
        found = self._keys.get(kid)
        if found is None:
            raise TokenRefused(Refusal.KEY, "the issuer has no such key")
        if isinstance(found, UnfitKey):
            raise TokenRefused(Refusal.KEY, found.why)
        return found

    def _refresh(self, kid: str) -> None:
        """Fetch the keys, unless that was tried a moment ago or another thread is at it."""
        if not self._lock.acquire(blocking=kid not in self._keys):
            return
        try:
            now = self._clock()
            if now < self._next or (kid in self._keys and now < self._fetched + FRESH_SECONDS):
                return
            self._next = now + PAUSE_AFTER_FAILURE_SECONDS
            self._keys = read_key_set(self._fetch(self._url))
            self._fetched, self._next = now, now + PAUSE_SECONDS
        except (Unavailable, ValueError) as error:
            logger.warning("the keys at %s cannot be had: %s", self._url, error)
        finally:
            self._lock.release()
