"""Work that the cloud does by itself, again and again, on the loop that serves its requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from trunkline_localcloud.settings import CloudSettings

__all__ = ["repeat"]


def repeat(settings: CloudSettings, seconds: float, work: Callable[[], None]) -> None:
    """Call ``work`` every so many seconds, within the cloud's account and region.

    MiniStack's handlers run on the same loop, so that neither sees the other's half-done change.
    A call that fails is logged by the loop and the next one comes all the same.

    Args:
        settings: Says the account and the region.
        seconds: Time between the end of a call and the start of the next.
        work: What to do; it must not block.
    """
    from ministack.core.responses import _request_account_id, _request_region

    loop = asyncio.get_running_loop()

    def once() -> None:
        loop.call_later(seconds, once)
        _request_account_id.set(settings.account_id)
        _request_region.set(settings.region)
        work()

    loop.call_later(seconds, once)
