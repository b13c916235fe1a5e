"""Holding a request's body and a response back, so that something can happen in between."""

from __future__ import annotations

from trunkline_localcloud.frontdoor.asgi import Message, Receive, Send

__all__ = ["HeldResponse", "read_body", "replayed"]


async def read_body(receive: Receive) -> bytes:
    """The whole body of a request."""
    parts = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message["type"] == "http.request" and message.get("more_body", False)
    return b"".join(parts)


def replayed(body: bytes, receive: Receive) -> Receive:
    """A channel that gives ``body`` first and then whatever ``receive`` gives."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def give() -> Message:
        return pending.pop() if pending else await receive()

    return give


class HeldResponse:
    """A response that is kept until it is let go."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._messages: list[Message] = []

    async def hold(self, message: Message) -> None:
        """Keep one message; an ASGI application's ``send``."""
        self._messages.append(message)

    async def let_go(self) -> None:
        """Send what was kept."""
        for message in self._messages:
            await self._send(message)
