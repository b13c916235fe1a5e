"""The AWS of every peer: DynamoDB's wire protocol, and the X-Ray daemon's port.

A process of its own, the same for all. It keeps no tables: every measured request is the first
with its key, so every condition holds, nothing is found, and all that is stored is written once.
What it was asked can be read back, so that a test can compare what the peers do.

``python -m trunkline_bench.runtime.cloud`` prints its ports and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import json
import sys
import zlib
from collections import deque
from typing import Any

__all__ = ["CALLS_PATH", "serve"]

CALLS_PATH = "/calls"
"""``GET`` lists what was asked and forgets it."""

_REMEMBERED = 1_000
_TARGET = b"x-amz-target: "
_LENGTH = b"content-length: "
_END = b"\r\n\r\n"
_ANSWERS = {"PutItem": b"{}", "GetItem": b"{}", "UpdateItem": b"{}", "TransactWriteItems": b"{}"}


class Connection(asyncio.Protocol):
    """One kept-alive HTTP connection."""

    def __init__(self, calls: deque[dict[str, Any]]) -> None:
        self._calls = calls
        self._received = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to answer."""
        assert isinstance(transport, asyncio.WriteTransport)  # TCP's always is
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self._received += data
        while (end := self._received.find(_END)) >= 0:
            head = self._received[:end]
            length = int(_header(head, _LENGTH) or 0)
            stop = end + len(_END) + length
            if len(self._received) < stop:
                return
            body, self._received = self._received[end + len(_END) : stop], self._received[stop:]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET " + CALLS_PATH.encode()):
            answer, status = json.dumps(list(self._calls)).encode(), b"200 OK"
            self._calls.clear()
        else:
            operation = (_header(head, _TARGET) or b"").decode().rpartition(".")[2]
            answer, status = _ANSWERS.get(operation, b""), b"200 OK"
            if not answer:
                answer, status = b'{"__type":"UnknownOperationException"}', b"400 Bad Request"
            self._calls.append({"operation": operation, "request": body.decode()})
        assert self._transport is not None
        self._transport.write(
            b"HTTP/1.1 %s\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n"
            b"x-amzn-RequestId: 0\r\nx-amz-crc32: %d\r\n\r\n%s"
            % (status, len(answer), zlib.crc32(answer), answer)
        )


class Daemon(asyncio.DatagramProtocol):
    """Takes trace segments as the X-Ray daemon does, and remembers them."""

    def __init__(self, calls: deque[dict[str, Any]]) -> None:
        self._calls = calls

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Remember a segment."""
        self._calls.append({"operation": "segment", "request": data.decode()})


async def serve() -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    calls: deque[dict[str, Any]] = deque(maxlen=_REMEMBERED)
    server = await loop.create_server(lambda: Connection(calls), "127.0.0.1", 0)
    transport, _ = await loop.create_datagram_endpoint(
        lambda: Daemon(calls), local_addr=("127.0.0.1", 0)
    )
    ports = {
        "http": server.sockets[0].getsockname()[1],
        "xray": transport.get_extra_info("sockname")[1],
    }
    print(json.dumps(ports), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def _header(head: bytes, name: bytes) -> bytes | None:
    start = head.lower().find(b"\r\n" + name)
    if start < 0:
        return None
    start += len(name) + 2
    return head[start:].split(b"\r\n", 1)[0].strip()


if __name__ == "__main__":
    asyncio.run(serve())
