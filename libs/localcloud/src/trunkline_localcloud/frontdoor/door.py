"""The ASGI application that is served: the control API, and MiniStack behind what guards it."""

from __future__ import annotations

from collections.abc import Callable

from trunkline_localcloud.frontdoor.asgi import AsgiApp, Message, Receive, Scope, Send, send_json

__all__ = ["FrontDoor"]

_CONTROL_PREFIX = "/_localcloud/"
_CLOSED_PREFIXES = ("/_ministack/", "/_localstack/")
_EMULATOR_PAGES = ("/health",)


class FrontDoor:
    """The ASGI application that is served.

    Args:
        emulator: MiniStack's application.
        on_started: Called once MiniStack has restored its state, before the first request.
    """

    def __init__(self, emulator: AsgiApp, *, on_started: Callable[[], None]) -> None:
        self._emulator = emulator
        self._on_started = on_started

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self._emulator(scope, receive, send)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def watch(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                self._on_started()
            await send(message)

        await self._emulator(scope, receive, watch)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if path == f"{_CONTROL_PREFIX}health":
            await send_json(send, 200, {"status": "ready"})
        elif path.startswith(_CLOSED_PREFIXES) or path in _EMULATOR_PAGES:
            await send_json(send, 403, {"message": "Forbidden"})
        else:
            await self._emulator(scope, receive, send)
