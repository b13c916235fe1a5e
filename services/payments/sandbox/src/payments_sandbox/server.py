"""The provider's HTTP face."""

from __future__ import annotations

import hmac
import json
import logging
import re
from collections.abc import Callable
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from payments_sandbox.keys import Keys
from payments_sandbox.ledger import ChargeRequest, KeyReused, Ledger

_log = logging.getLogger(__name__)

MAX_BODY_BYTES = 64 * 1024
_CURRENCY = re.compile(r"[A-Z]{3}")


class Refused(Exception):
    """A request that gets an error as its answer."""

    def __init__(self, status: HTTPStatus, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class SandboxServer(ThreadingHTTPServer):
    """Serves a ledger to whoever has one of the keys."""

    # Closing waits for the requests in flight, so no charge is cut off half-way.
    daemon_threads = False
    block_on_close = True
    # Many callers may connect at the same moment; the standard library's default is 5.
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], ledger: Ledger, keys: Keys) -> None:
        super().__init__(address, _Handler)
        self.ledger = ledger
        self.keys = keys

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"


class _Handler(BaseHTTPRequestHandler):
    server: SandboxServer
    server_version = "payments-sandbox"
    # A connection serves one request (HTTP/1.0): nothing idle keeps the server from closing.
    timeout = 10.0

    def do_GET(self) -> None:
        self._answer({"/health": self._health, "/v1/charges": self._list})

    def do_POST(self) -> None:
        self._answer(
            {
                "/v1/charges": self._charge,
                "/v1/keys": self._issue_key,
                "/v1/keys/revoke-others": self._revoke_other_keys,
            }
        )

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        _log.info("%s %s", self.address_string(), format % args)

    def _answer(self, routes: dict[str, Callable[[], tuple[HTTPStatus, object]]]) -> None:
        try:
            status, content = routes.get(urlsplit(self.path).path, _not_found)()
        except Refused as refused:
            status = refused.status
            content = {"error": {"code": refused.code, "message": str(refused)}}
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _health(self) -> tuple[HTTPStatus, object]:
        return HTTPStatus.OK, {"status": "ok"}

    def _list(self) -> tuple[HTTPStatus, object]:
        self._authenticate()
        references = parse_qs(urlsplit(self.path).query).get("reference", [])
        charges = self.server.ledger.charges(references[0] if references else None)
        return HTTPStatus.OK, {"data": [asdict(charge) for charge in charges]}

    def _issue_key(self) -> tuple[HTTPStatus, object]:
        self._authenticate()
        key, fresh = self.server.keys.issue(self._idempotency_key())
        return (HTTPStatus.CREATED if fresh else HTTPStatus.OK), {"key": key}

    def _revoke_other_keys(self) -> tuple[HTTPStatus, object]:
        kept = self._authenticate()
        return HTTPStatus.OK, {"revoked": self.server.keys.revoke_others(kept)}

    def _charge(self) -> tuple[HTTPStatus, object]:
        self._authenticate()
        key = self._idempotency_key()
        try:
            charge, fresh = self.server.ledger.charge(key, self._charge_request())
        except KeyReused as error:
            raise Refused(
                HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency_key_reused", str(error)
            ) from error
        if charge.status == "declined":
            error_body = {"code": "card_declined", "message": "The card was declined."}
            return HTTPStatus.PAYMENT_REQUIRED, {"error": error_body, "charge": asdict(charge)}
        return (HTTPStatus.CREATED if fresh else HTTPStatus.OK), asdict(charge)

    def _authenticate(self) -> str:
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        for key in self.server.keys.accepted():
            if hmac.compare_digest(given.encode(), key.encode()):
                return key
        raise Refused(HTTPStatus.UNAUTHORIZED, "invalid_api_key", "the API key is not valid")

    def _idempotency_key(self) -> str:
        key = self.headers.get("Idempotency-Key", "").strip()
        if not key:
            raise Refused(HTTPStatus.BAD_REQUEST, "key_missing", "Idempotency-Key is required")
        return key

    def _charge_request(self) -> ChargeRequest:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            raise Refused(HTTPStatus.LENGTH_REQUIRED, "length", "Content-Length is required")
        if int(length) > MAX_BODY_BYTES:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", "the body is too large")
        try:
            body = json.loads(self.rfile.read(int(length)))
        except ValueError as error:
            raise _invalid("the body is not JSON") from error
        if not isinstance(body, dict):
            raise _invalid("the body is not a JSON object")
        return _parse(body)


def _not_found() -> tuple[HTTPStatus, object]:
    raise Refused(HTTPStatus.NOT_FOUND, "not_found", "no such resource")


def _parse(body: dict[str, object]) -> ChargeRequest:
    amount, currency = body.get("amount"), body.get("currency")
    source, reference = body.get("source"), body.get("reference")
    if not isinstance(amount, int) or isinstance(amount, bool) or amount <= 0:
        raise _invalid("amount: a positive whole number of minor units")
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        raise _invalid("currency: an ISO 4217 code")
    if not isinstance(source, str) or not source:
        raise _invalid("source: a card token")
    if not isinstance(reference, str) or not reference:
        raise _invalid("reference: your name for this charge")
    return ChargeRequest(amount, currency, source, reference)


def _invalid(message: str) -> Refused:
    return Refused(HTTPStatus.BAD_REQUEST, "invalid_request", message)
