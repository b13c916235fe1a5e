"""Other services' APIs, answered by the test over real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ParamSpec, TypeVar
from urllib.parse import parse_qs, urlsplit

from trunkline.api.handler import ApiProgram
from trunkline.contracts.api import IDEMPOTENCY_HEADER, Operation
from trunkline.declaration.service import Service
from trunkline.idempotency.store import Store
from trunkline.identity import Caller
from trunkline.testing.deadline import far_away
from trunkline.testing.events import api_event

P = ParamSpec("P")
R = TypeVar("R")


class Neighbour:
    """Another service, of which the test implements only what it needs."""

    def __init__(self, name: str, caller: str, store: Store) -> None:
        self._service = Service(name)
        self._caller = caller
        self._store = store
        self.requests: list[dict[str, Any]] = []
        """What was asked, as API Gateway events."""

    def implement(self, operation: Operation[P, R], handler: Callable[P, R]) -> None:
        """Let a function answer an operation from now on."""
        self._service.api_handlers.pop(operation.name, None)
        keyed = any(parameter.location == "key" for parameter in operation.parameters)
        header = IDEMPOTENCY_HEADER if keyed else None
        self._service.implements(operation, idempotency=header)(handler)

    def answer(self, event: dict[str, Any]) -> dict[str, Any]:
        """Answer a request as the real service's runtime would."""
        self.requests.append(event)
        return ApiProgram(self._service, self._store).handle(event, far_away())

    @contextmanager
    def listening(self) -> Iterator[str]:
        """Listen on a free port of this machine; yields the base URL."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _request_handler(self, self._caller))
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def _request_handler(neighbour: Neighbour, caller: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_request(self) -> None:
            parts = urlsplit(self.path)
            signed = self.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256")
            answer = neighbour.answer(
                api_event(
                    self.command,
                    parts.path,
                    self.rfile.read(int(self.headers.get("Content-Length", 0))),
                    caller=Caller.service(caller) if signed else None,
                    headers=dict(self.headers.items()),
                    query=parse_qs(parts.query),
                )
            )
            content = answer["body"].encode()
            self.send_response(answer["statusCode"])
            for name, value in answer["headers"].items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        # The names that http.server looks for:
        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_request  # noqa: N815

        def log_message(self, *args: Any) -> None:
            """A test's output is its own."""

    return Handler
