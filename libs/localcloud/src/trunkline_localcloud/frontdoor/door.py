"""The ASGI application that is served: the control API, and MiniStack behind what guards it."""

from __future__ import annotations

from collections.abc import Callable

from trunkline_localcloud.faults import injector
from trunkline_localcloud.frontdoor.asgi import AsgiApp, Message, Receive, Scope, Send, send_json
from trunkline_localcloud.frontdoor.control import PREFIX, ControlApi
from trunkline_localcloud.frontdoor.faulty import serve_with_faults
from trunkline_localcloud.frontdoor.recorder import RecordedCall, Recorder
from trunkline_localcloud.request_context import inbound_trace

__all__ = ["FrontDoor"]

_CLOSED_PREFIXES = ("/_ministack/", "/_localstack/")
_EMULATOR_PAGES = ("/health",)


class FrontDoor:
    """The ASGI application that is served.

    Args:
        emulator: MiniStack's application.
        admin_access_key: Whose signature the control API wants.
        on_started: Called once MiniStack has restored its state, before the first request.
        on_stopping: Called after the last request, before MiniStack saves its state.
    """

    def __init__(
        self,
        emulator: AsgiApp,
        *,
        admin_access_key: str,
        on_started: Callable[[], None],
        on_stopping: Callable[[], None],
    ) -> None:
        self._emulator = emulator
        self._on_started = on_started
        self._on_stopping = on_stopping
        self._recorder = Recorder()
        self._control = ControlApi(self._recorder, access_key=admin_access_key)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            await self._emulator(scope, receive, send)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def watch_sent(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                self._on_started()
            await send(message)

        async def watch_received() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                self._on_stopping()
            return message

        await self._emulator(scope, watch_received, watch_sent)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if path.startswith(PREFIX):
            await self._control(scope, receive, send)
        elif path.startswith(_CLOSED_PREFIXES) or path in _EMULATOR_PAGES:
            await send_json(send, 403, {"message": "Forbidden"})
        else:
            inbound_trace.set(_header(scope, b"x-amzn-trace-id"))
            noting = _noting_status(self._recorder.begin(), send)
            if injector.armed:
                await serve_with_faults(self._emulator, scope, receive, noting)
            else:
                await self._emulator(scope, receive, noting)


def _noting_status(call: RecordedCall, send: Send) -> Send:
    async def note(message: Message) -> None:
        if message["type"] == "http.response.start":
            call.status = message["status"]
        await send(message)

    return note


def _header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)
