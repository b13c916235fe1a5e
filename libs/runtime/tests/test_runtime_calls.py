"""What a declared call does by itself: degrade, hold back, keep to its places and connections."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, assert_type

import pytest
from depot_contract import DepotApi, Stock
from shop_service import cancel

from trunkline import Api, Caller, IdempotencyKey, Service, command, query
from trunkline.api.handler import DEGRADED
from trunkline.aws import clients
from trunkline.clients import Breaker, Call, aws
from trunkline.clients.circuit import Hold
from trunkline.errors import (
    BulkheadFull,
    CallRefused,
    CircuitOpen,
    DeclarationError,
    InternalError,
    NotFound,
    Unavailable,
)
from trunkline.rules import signed_in
from trunkline.testing import ServiceHarness
from trunkline.testing.circuits import MemoryCircuits

RULE = Breaker(minimum=6)


class KioskApi(Api, version=1, service="kiosk"):
    """Shows how much there is, as far as it can."""

    @query("GET", "/stock/{sku}")
    def show(self, sku: str) -> int:
        """Pieces in stock."""

    @command("POST", "/stock/{sku}")
    def note(self, sku: str, key: IdempotencyKey) -> int:
        """The same, noted down."""


service = Service("kiosk", exposure="public", entry="nowhere:service")
get_stock = service.calls(
    DepotApi.get_stock,
    timeout=5,
    fallback=lambda sku, region="eu", shelf=(): Stock(sku=sku, pieces=0),
    breaker=Breaker(minimum=6, shared=True),
)
get_stock_or_fail = service.calls(DepotApi.get_stock, timeout=5, breaker=RULE, concurrency=2)


@service.implements(KioskApi.show, allow=signed_in, uses=[get_stock])
def show(sku: str) -> int:
    """Ask, or show nothing."""
    return get_stock(sku).pieces


@service.implements(
    KioskApi.note, allow=signed_in, idempotency="Idempotency-Key", uses=[get_stock_or_fail]
)
def note(sku: str, caller: Caller) -> int:
    """Ask, or show something that depends on who asks."""

    def guess(sku: str, region: str = "eu", shelf: list[int] = []) -> int:  # noqa: B006
        if caller.subject == "nobody":
            raise Unavailable("nothing to guess from")
        return 7

    found = get_stock_or_fail.or_else(guess)(sku)
    assert_type(found, Stock | int)
    return found if isinstance(found, int) else found.pieces


@pytest.fixture
def kiosk() -> Iterator[ServiceHarness]:
    """The service, running."""
    with ServiceHarness(service) as harness:
        yield harness


class Depot:
    """A neighbour that is well or ill."""

    def __init__(self, harness: ServiceHarness) -> None:
        self.ill = False
        self.neighbour = harness.answers(DepotApi.get_stock, self.get_stock)

    @property
    def asked(self) -> int:
        return len(self.neighbour.requests)

    def get_stock(self, sku: str, region: str, shelf: list[int]) -> Stock:
        if self.ill:
            raise InternalError
        return Stock(sku=sku, pieces=3)


@pytest.fixture
def depot(kiosk: ServiceHarness) -> Depot:
    """The neighbour."""
    return Depot(kiosk)


def test_a_degraded_answer_says_so(
    kiosk: ServiceHarness, depot: Depot, capsys: pytest.CaptureFixture[str]
) -> None:
    """To the caller in a header, to the operators in a metric, a log line and the span."""
    assert DEGRADED not in kiosk.call("GET", "/stock/a").headers
    depot.ill = True
    capsys.readouterr()
    answer = kiosk.call("GET", "/stock/a")
    assert (answer.status, answer.json) == (200, 0)
    assert answer.headers["Trunkline-Degraded"] == "depot.get_stock"
    written = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (metrics,) = [line for line in written if "degraded" in line]
    assert (metrics["degraded"], metrics["retries"]) == (1, 2)
    (warning,) = [line for line in written if line.get("call") == "depot.get_stock"]
    assert warning["level"] == "WARNING"
    (span,) = [line for line in written if "degraded" in line.get("attributes", ())]
    assert (span["kind"], span["attributes"]["degraded"]) == ("server", "depot.get_stock")


def test_a_fallback_may_use_what_the_handler_knows(kiosk: ServiceHarness, depot: Depot) -> None:
    """It is given at the call; a repeated request says again that it was degraded."""
    key = {"Idempotency-Key": "k"}
    depot.ill = True
    for _ in range(2):
        answer = kiosk.call("POST", "/stock/a", headers=key)
        assert (answer.json, answer.headers[DEGRADED]) == (7, "depot.get_stock")
    depot.ill = False
    answer = kiosk.call("POST", "/stock/a", headers={"Idempotency-Key": "other"})
    assert (answer.json, DEGRADED in answer.headers) == (3, False)


def test_a_fallback_that_has_nothing_degrades_nothing(kiosk: ServiceHarness, depot: Depot) -> None:
    """What it raises is the answer, and that is no degraded one."""
    depot.ill = True
    nobody, key = Caller.customer("nobody"), {"Idempotency-Key": "k"}
    answer = kiosk.call("POST", "/stock/a", caller=nobody, headers=key)
    assert (answer.status, answer.json["detail"]) == (503, "nothing to guess from")
    assert DEGRADED not in answer.headers


def test_a_service_that_fails_is_left_alone(
    kiosk: ServiceHarness, depot: Depot, capsys: pytest.CaptureFixture[str]
) -> None:
    """After some failed attempts it is not asked; after the pause by one, and then by all."""
    depot.ill = True
    for _ in range(5):
        assert kiosk.call("GET", "/stock/a").json == 0
    assert depot.asked == 6
    metrics = [json.loads(x) for x in capsys.readouterr().out.splitlines() if '"_aws"' in x]
    assert sum(line.get("circuit_open", 0) for line in metrics) == 3
    depot.ill = False
    assert kiosk.call("GET", "/stock/a").json == 0
    kiosk.advance(5)
    assert kiosk.call("GET", "/stock/a").json == 3
    assert depot.asked == 7


def test_an_open_circuit_is_told(kiosk: ServiceHarness, depot: Depot) -> None:
    """Without a fallback the caller learns that it was not asked, and when it may be."""
    depot.ill = True
    for _ in range(2):
        with pytest.raises(Unavailable, match="answered 500"):
            get_stock_or_fail("a")
    with pytest.raises(CircuitOpen) as caught:
        get_stock_or_fail("a")
    assert caught.value.call == "depot.get_stock"
    assert caught.value.retry_after is not None
    assert 0 < caught.value.retry_after <= RULE.pause
    assert depot.asked == 6


def test_the_failure_that_opens_a_circuit_is_told_itself(
    kiosk: ServiceHarness, depot: Depot
) -> None:
    """Who made the last attempt learns what it came to, at once."""
    depot.ill = True
    call = Call(DepotApi.get_stock, timeout=5, breaker=Breaker(minimum=2))
    with pytest.raises(Unavailable) as caught:
        call("a")
    assert (type(caught.value), depot.asked) == (Unavailable, 2)


def test_refusals_do_not_open_a_circuit(kiosk: ServiceHarness) -> None:
    """A service that says no is well."""

    def missing(sku: str, region: str, shelf: list[int]) -> Stock:
        raise NotFound

    kiosk.answers(DepotApi.get_stock, missing)
    for _ in range(20):
        with pytest.raises(NotFound):
            get_stock_or_fail("a")


def test_functions_share_an_open_circuit(kiosk: ServiceHarness, depot: Depot) -> None:
    """What one process found out, another knows before its first call; so with a good probe."""
    from trunkline.clients import guard

    depot.ill = True
    for _ in range(2):
        assert get_stock("a").pieces == 0
    guard.reset()  # another process: it shares nothing but the table
    depot.ill = False
    assert get_stock("a").pieces == 0
    assert depot.asked == 6
    kiosk.advance(5)
    assert get_stock("a").pieces == 3
    guard.reset()
    assert get_stock("a").pieces == 3


def test_a_shared_circuit_outlives_wrong_clocks(kiosk: ServiceHarness, depot: Depot) -> None:
    """Whatever the time of day is said to be, an open circuit stays open for its pause."""
    from trunkline.clients import guard

    depot.ill = True
    for _ in range(2):
        get_stock("a")
    kiosk.advance(400 * 24 * 3600)
    guard.reset()
    depot.ill = False
    assert get_stock("a").pieces == 0


def test_only_who_shares_has_a_table(kiosk: ServiceHarness) -> None:
    """The manifest has the table, and the needs of the function that shares, if one does."""
    assert "circuits" in {table.name for table in kiosk.manifest.tables}
    needs = {(n.kind, getattr(n, "table", "")) for n in kiosk.manifest.function("api").needs}
    assert ("table", "circuits") in needs
    assert [need.kind for need in get_stock_or_fail.granted().needs] == ["call"]


def test_the_table_does_what_the_reference_does(kiosk: ServiceHarness) -> None:
    """Whatever is there, and whatever is swapped for whatever, both stores agree."""
    holds = (None, Hold("a", 0.0), Hold("b", 0.5), Hold("c", 5.0))
    reference, store = MemoryCircuits(), aws.DynamoCircuits()
    cases = [case for case in itertools.product(holds, repeat=3) if case[1] != case[2]]
    for number, (there, old, new) in enumerate(cases):
        name = f"depot.{number}"
        if there is not None:
            assert store.swap(name, None, there) == reference.swap(name, None, there) == there
        assert store.swap(name, old, new) == reference.swap(name, old, new)
        assert store.read(name) == reference.read(name)


def test_a_call_takes_a_place_or_fails(kiosk: ServiceHarness) -> None:
    """With all places taken, one more call is refused at once; then there is a place again."""
    both, done = threading.Barrier(3), threading.Event()

    def slowly(sku: str, region: str, shelf: list[int]) -> Stock:
        both.wait(10)
        done.wait(10)
        return Stock(sku=sku, pieces=1)

    kiosk.answers(DepotApi.get_stock, slowly)
    call = Call(DepotApi.get_stock, timeout=20, concurrency=2)
    with ThreadPoolExecutor() as threads:
        running = [threads.submit(call, "a") for _ in range(2)]
        both.wait(10)
        with pytest.raises(BulkheadFull) as caught:
            call("a")
        done.set()
        assert [result.result().pieces for result in running] == [1, 1]
    assert (caught.value.call, caught.value.places) == ("depot.get_stock", 2)
    Depot(kiosk)
    assert call("a").pieces == 3


@pytest.mark.parametrize("wrong", [{"timeout": 0}, {"concurrency": 0}])
def test_a_call_that_could_never_be_made_is_refused(wrong: dict[str, Any]) -> None:
    """While the declaration is imported."""
    with pytest.raises(DeclarationError, match=f"{next(iter(wrong))}.*not 0"):
        service.calls(DepotApi.cancel, **wrong)


class Gateway(ThreadingHTTPServer):
    """A real HTTP server that counts connections and may call credentials expired."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.connections = 0
        self.keys: list[str] = []
        self.expired: set[str] = set()

    def get_request(self) -> Any:
        self.connections += 1
        return super().get_request()


class Answering(BaseHTTPRequestHandler):
    """204, or what API Gateway says of expired credentials."""

    protocol_version = "HTTP/1.1"
    server: Gateway

    def do_DELETE(self) -> None:
        key = self.headers["Authorization"].split("Credential=")[1].split("/")[0]
        self.server.keys.append(key)
        body = b""
        if key in self.server.expired:
            body = b'{"message":"The security token included in the request is expired"}'
        self.send_response(403 if body else 204)
        if body:
            self.send_header("x-amzn-ErrorType", "ExpiredTokenException")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """A test's output is its own."""


@contextmanager
def listening(server: ThreadingHTTPServer) -> Iterator[str]:
    """Run a server; yields its URL."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def gateway(shop: ServiceHarness) -> Iterator[Gateway]:
    """The address of the sample's neighbour."""
    server = Gateway()
    with listening(server) as url:
        shop._announce("depot", url)
        yield server


def test_calls_share_a_connection(gateway: Gateway) -> None:
    """Many calls, one after another, are one connection."""
    for _ in range(5):
        cancel("a")
    assert (len(gateway.keys), gateway.connections) == (5, 1)


class Dripping(BaseHTTPRequestHandler):
    """An answer without an end, a byte at a time."""

    protocol_version = "HTTP/1.1"

    def do_DELETE(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        with suppress(OSError):  # until nobody listens any more
            while True:
                self.wfile.write(b" ")
                self.wfile.flush()

    def log_message(self, *args: Any) -> None:
        """A test's output is its own."""


def test_an_answer_without_an_end_is_none(shop: ServiceHarness) -> None:
    """The timeout is that of the whole answer, not of each part."""
    call = Call(DepotApi.cancel, timeout=0.3)
    with listening(ThreadingHTTPServer(("127.0.0.1", 0), Dripping)) as url:
        shop._announce("depot", url)
        with pytest.raises(Unavailable, match="does not answer"):
            call("a")


class Credentials(BaseHTTPRequestHandler):
    """Hands out credentials as a container's agent does: new ones whenever it is asked."""

    given = 0
    minutes = 1

    def do_GET(self) -> None:
        Credentials.given += 1
        expiry = datetime.now(UTC) + timedelta(minutes=Credentials.minutes)
        answer = {
            "AccessKeyId": f"key-{Credentials.given}",
            "SecretAccessKey": "secret",
            "Token": "token",
            "Expiration": expiry.isoformat(),
        }
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """A test's output is its own."""


@pytest.fixture
def agent(shop: ServiceHarness, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Credentials that end within the minute, from an agent."""
    Credentials.given, Credentials.minutes = 0, 1
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    with listening(ThreadingHTTPServer(("127.0.0.1", 0), Credentials)) as url:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{url}/credentials")
        others = clients.use(clients.Clients())
        yield
        clients.use(others)


def test_a_call_after_expiry_has_fresh_credentials(gateway: Gateway, agent: None) -> None:
    """Credentials that are about to end are renewed before a request is signed with them."""
    cancel("a")
    cancel("a")
    first, second = gateway.keys
    assert first != second


def test_expired_credentials_are_renewed_once(gateway: Gateway, agent: None) -> None:
    """A request that the gateway refused as expired goes out again, also one without a key."""
    Credentials.minutes = 60
    gateway.expired = {"key-1"}
    cancel("a")
    assert gateway.keys == ["key-1", "key-2"]
    gateway.expired = {"key-2", "key-3"}
    with pytest.raises(CallRefused, match="403"):
        cancel("a")
    assert gateway.keys[2:] == ["key-2", "key-3"]
