"""Providers for the tests of payments: the sandbox with its ledger, and one that misbehaves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from payments_sandbox import Keys, Ledger, SandboxServer

API_KEY = "right-key"


@contextmanager
def serving(server: HTTPServer) -> Iterator[str]:
    """The URL of a server that runs in a thread of its own."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Sandbox:
    """The sandbox and its books."""

    url: str
    ledger: Ledger
    keys: Keys


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A provider with an empty ledger that expects the key ``right-key``."""
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    keys = Keys(tmp_path / "keys.sqlite3", first=lambda: API_KEY)
    with serving(SandboxServer(("127.0.0.1", 0), ledger, keys)) as url:
        yield Sandbox(url, ledger, keys)


@dataclass
class Scripted:
    """A provider that gives prepared answers, one after the other, then the last again."""

    answers: list[tuple[int, bytes]] = field(default_factory=list)
    silent: bool = False
    """Whether it takes requests and never answers."""
    requests: int = 0
    url: str = ""
    released: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    """A provider that answers as the test says."""
    script = Scripted()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            script.requests += 1
            if script.silent:
                script.released.wait(10)
                return
            status, body = script.answers[min(script.requests, len(script.answers)) - 1]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            """Tests need no access log."""

    with serving(HTTPServer(("127.0.0.1", 0), Handler)) as url:
        script.url = url
        yield script
        script.released.set()
