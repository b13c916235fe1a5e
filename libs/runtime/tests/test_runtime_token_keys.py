"""The keys of an issuer: kept, fetched anew when they change, and never too often."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from minting import Issuer, ec_key, jwk_of, rsa_key

from trunkline.errors import DeclarationError, TokenRefused, Unavailable
from trunkline.tokens import fetch as fetching
from trunkline.tokens.fetch import MAX_BYTES, fetch
from trunkline.tokens.key_source import (
    FRESH_SECONDS,
    KEEP_SECONDS,
    PAUSE_AFTER_FAILURE_SECONDS,
    PAUSE_SECONDS,
    KeySource,
)
from trunkline.tokens.keys import read_key_set

URL = "https://id.example.com/jwks"
KIDS = ("a", "b", "c")


@dataclass
class World:
    """An issuer and a clock."""

    now: float = 1000.0
    issuer: Issuer = field(default_factory=lambda: Issuer(keys={"a": rsa_key()}))

    def source(self, fetch: Callable[[str], bytes] | None = None) -> KeySource:
        return KeySource(URL, fetch=fetch or self.issuer.fetch, clock=lambda: self.now)


def test_keys_are_fetched_once_and_kept() -> None:
    """A known key costs one fetch in ten minutes, however often it is asked for."""
    world = World()
    source = world.source()
    for _ in range(100):
        assert "RS256" in source.find("a").algorithms
        world.now += FRESH_SECONDS / 101
    assert world.issuer.fetched == [URL]
    world.now += FRESH_SECONDS
    source.find("a")
    assert len(world.issuer.fetched) == 2


def test_a_rotated_key_is_found_at_once() -> None:
    """An unknown key is looked for, half a minute after the last fetch at the earliest."""
    world = World()
    source = world.source()
    source.find("a")
    world.issuer.keys["b"] = ec_key()
    world.now += PAUSE_SECONDS
    assert source.find("b").algorithms == {"ES256"}
    assert len(world.issuer.fetched) == 2


def test_a_flood_of_unknown_keys_costs_two_fetches_a_minute() -> None:
    """However many tokens name keys that do not exist, the issuer is asked every 30 s at most."""
    world = World()
    source = world.source()
    for number in range(6000):
        with pytest.raises(TokenRefused):
            source.find(f"unknown-{number}")
        world.now += 0.01
    assert len(world.issuer.fetched) == 2
    assert source.find("a")


def test_a_withdrawn_key_is_forgotten() -> None:
    """A key that the issuer no longer publishes is good for ten minutes more at most."""
    world = World()
    source = world.source()
    source.find("a")
    world.issuer.keys = {"b": ec_key()}
    world.now += FRESH_SECONDS
    with pytest.raises(TokenRefused, match="not valid"):
        source.find("a")


def test_keys_outlive_an_issuers_trouble_for_an_hour() -> None:
    """While the issuer is down its keys are kept; then nothing can be said of any token."""
    world = World()
    source = world.source()
    source.find("a")
    world.issuer.down = True
    world.now += KEEP_SECONDS - 1
    assert source.find("a")
    world.now += 1
    with pytest.raises(Unavailable) as trouble:
        source.find("a")
    assert trouble.value.retry_after == PAUSE_AFTER_FAILURE_SECONDS
    world.issuer.down = False
    world.now += PAUSE_AFTER_FAILURE_SECONDS
    assert source.find("a")


def test_before_the_first_keys_nothing_can_be_said() -> None:
    """A token is not refused for our trouble: that is 503, not 401."""
    world = World()
    world.issuer.down = True
    source = world.source()
    for _ in range(10):
        with pytest.raises(Unavailable):
            source.find("a")
    assert len(world.issuer.fetched) == 1


@pytest.mark.parametrize(
    "published",
    [
        pytest.param([{**jwk_of(rsa_key(), kid="a"), "d": "AQAB"}], id="private RSA"),
        pytest.param([{**jwk_of(rsa_key(), kid="a"), "p": "AQAB"}], id="a prime"),
        pytest.param([jwk_of(rsa_key(), kid="a"), {"kty": "EC", "d": "AQAB"}], id="private EC"),
        pytest.param([{"kty": "oct", "k": "AQAB", "kid": "a"}], id="symmetric"),
        pytest.param([jwk_of(rsa_key(), kid="a"), {"kty": "oct"}], id="symmetric without key"),
        pytest.param([jwk_of(rsa_key(), kid="a"), jwk_of(ec_key(), kid="a")], id="one kid twice"),
        pytest.param([jwk_of(rsa_key(), kid="a"), "key"], id="no object"),
        pytest.param({"a": jwk_of(rsa_key(), kid="a")}, id="no list"),
        pytest.param(None, id="null"),
    ],
)
def test_bad_key_sets_are_refused_whole(published: Any) -> None:
    """A set with a secret in it, or with an ambiguous name, is not trusted for its other keys."""
    world = World()
    content = json.dumps({"keys": published}).encode()
    with pytest.raises(ValueError, match=r"set|kid"):
        read_key_set(content)
    with pytest.raises(Unavailable):
        world.source(lambda url: content).find("a")


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"keys":[],"keys":[]}', b"<html>"])
def test_what_is_no_key_set_is_refused(content: bytes) -> None:
    """An error page is no key set, nor is a text that could be read in two ways."""
    with pytest.raises(ValueError, match=r"set|JSON|Expecting|object|twice"):
        read_key_set(content)


def test_a_bad_set_does_not_displace_a_good_one() -> None:
    """Trouble at the issuer leaves the keys that are known."""
    world = World()
    source = world.source()
    source.find("a")
    world.issuer.published = [{"kty": "oct", "k": "AQAB", "kid": "a"}]
    world.now += FRESH_SECONDS
    assert source.find("a").algorithms >= {"RS256"}


def test_keys_without_a_name_are_left_out() -> None:
    """A token must name its key, so a nameless one can be named by none."""
    published = {"keys": [jwk_of(rsa_key()), jwk_of(ec_key(), kid="")]}
    assert read_key_set(json.dumps(published).encode()) == {}


def test_many_threads_fetch_once() -> None:
    """The first requests of a process wait for one fetch together."""
    world = World()
    begun = threading.Barrier(8)
    found: list[object] = []

    def ask(source: KeySource) -> None:
        begun.wait()
        found.append(source.find("a"))

    source = world.source()
    threads = [threading.Thread(target=ask, args=(source,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert world.issuer.fetched == [URL]


def test_nobody_waits_for_a_fetch_without_need() -> None:
    """While one thread asks the issuer anew, others go on with the keys that are known."""
    world = World()
    fetching_now, finish = threading.Event(), threading.Event()
    slow = False

    def slowly(url: str) -> bytes:
        if slow:
            fetching_now.set()
            finish.wait(10)
        return world.issuer.fetch(url)

    source = world.source(slowly)
    source.find("a")
    slow = True
    world.now += FRESH_SECONDS
    first = threading.Thread(target=source.find, args=("a",))
    first.start()
    try:
        assert fetching_now.wait(10)
        assert source.find("a")
        assert len(world.issuer.fetched) == 1
    finally:
        finish.set()
        first.join()


class KeySourceMachine(RuleBasedStateMachine):
    """Time passes, keys come and go, the issuer fails, tokens name any key."""

    @initialize()
    def begin(self) -> None:
        self.now = 0.0
        self.published = frozenset({"a"})
        self.mode = "up"
        self.attempts: list[float] = []
        self.seen: list[tuple[float, frozenset[str]]] = []
        self.source = KeySource(URL, fetch=self.fetch, clock=lambda: self.now)

    def fetch(self, url: str) -> bytes:
        self.attempts.append(self.now)
        if self.mode == "down":
            raise Unavailable("down")
        if self.mode == "broken":
            return b"<html>"
        self.seen.append((self.now, self.published))
        keys = [jwk_of(ec_key("P-256", KIDS.index(kid)), kid=kid) for kid in self.published]
        return json.dumps({"keys": keys}).encode()

    @rule(seconds=st.sampled_from([1.0, 4.0, 5.0, 29.0, 30.0, 599.0, 600.0, 3600.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(kids=st.frozensets(st.sampled_from(KIDS)))
    def rotate(self, kids: frozenset[str]) -> None:
        self.published = kids

    @rule(mode=st.sampled_from(["up", "down", "broken"]))
    def switch(self, mode: str) -> None:
        self.mode = mode

    @rule(kid=st.sampled_from([*KIDS, "never"]))
    def find(self, kid: str) -> None:
        last = self.attempts[-1] if self.attempts else float("-inf")
        may_ask = self.now - last >= PAUSE_SECONDS
        at, known = self.seen[-1] if self.seen else (float("-inf"), frozenset())
        try:
            found = self.source.find(kid)
        except Unavailable:
            assert not self.seen or self.now - self.seen[-1][0] >= KEEP_SECONDS
            assert not (may_ask and self.mode == "up")
        except TokenRefused:
            latest, now_known = self.seen[-1]
            assert kid not in now_known
            assert self.now - latest < KEEP_SECONDS
            # Nobody who could have asked for an unknown key was refused unasked.
            if may_ask and kid not in known:
                assert self.attempts[-1] == self.now
        else:
            latest, now_known = self.seen[-1]
            assert kid in now_known
            assert self.now - latest < KEEP_SECONDS
            expected = ec_key("P-256", KIDS.index(kid)).public_key().public_numbers()
            assert found.key.public_key.public_numbers() == expected
            if self.now - at >= FRESH_SECONDS and may_ask:
                assert self.attempts[-1] == self.now

    @invariant()
    def the_issuer_is_spared(self) -> None:
        successes = {at for at, _ in getattr(self, "seen", [])}
        attempts = getattr(self, "attempts", [])
        for earlier, later in pairwise(attempts):
            pause = PAUSE_SECONDS if earlier in successes else PAUSE_AFTER_FAILURE_SECONDS
            assert later - earlier >= pause


TestKeySource = KeySourceMachine.TestCase


# --- the fetcher, against a real server with TLS --------------------------------------------------


@dataclass
class Site:
    """What the server answers, and what it was asked."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b'{"keys": []}'
    requests: list[dict[str, str]] = field(default_factory=list)
    silent: bool = False
    released: threading.Event = field(default_factory=threading.Event)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine that only who is told trusts, with its key."""
    key = ec_key("P-256", 99)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


@pytest.fixture
def site(certificate: Path) -> Iterator[Site]:
    """A server of this machine."""
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.requests.append(dict(self.headers.items()))
            if site.silent:
                site.released.wait(10)
            self.send_response(site.status)
            for name, value in site.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(site.content)

        def log_message(self, *args: Any) -> None:
            """A test's output is its own."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *args: Any) -> None:
            """Clients that break off are part of the tests."""

    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    site.url = f"https://127.0.0.1:{server.server_address[1]}/jwks"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield site
    site.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate is one that this process trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


@pytest.mark.usefixtures("trusted")
def test_the_fetcher_gets_a_document(site: Site) -> None:
    """Over TLS, asking for JSON as it is."""
    assert fetch(site.url) == b'{"keys": []}'
    assert site.requests[0]["Accept"] == "application/json"
    assert site.requests[0]["Accept-Encoding"] == "identity"


def test_the_fetcher_wants_a_certificate_that_it_knows(site: Site) -> None:
    """A server that anybody could be is nobody."""
    with pytest.raises(Unavailable, match="does not answer"):
        fetch(site.url)
    assert site.requests == []


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_the_fetcher_follows_nobody_elsewhere(site: Site, status: int) -> None:
    """A redirect is no document, wherever it leads."""
    site.status, site.headers = status, {"Location": site.url}
    with pytest.raises(Unavailable, match=f"answers {status}"):
        fetch(site.url)
    assert len(site.requests) == 1


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("status", [204, 404, 500])
def test_the_fetcher_wants_200(site: Site, status: int) -> None:
    """Any other status is trouble of the issuer's."""
    site.status, site.content = status, b""
    with pytest.raises(Unavailable, match=f"answers {status}"):
        fetch(site.url)


@pytest.mark.usefixtures("trusted")
def test_the_fetcher_reads_so_much_and_no_more(site: Site) -> None:
    """What has the greatest size is read; one byte more is refused."""
    site.content = b" " * MAX_BYTES
    assert len(fetch(site.url)) == MAX_BYTES
    site.content += b" "
    with pytest.raises(Unavailable, match="more than"):
        fetch(site.url)


@pytest.mark.usefixtures("trusted")
def test_the_fetcher_unpacks_nothing(site: Site) -> None:
    """A compressed answer, which was not asked for, stays what it is: no JSON, and small."""
    site.headers = {"Content-Encoding": "gzip"}
    site.content = gzip.compress(b" " * 10_000_000)
    assert fetch(site.url) == site.content


@pytest.mark.usefixtures("trusted")
def test_the_fetcher_does_not_wait_for_ever(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A silent server is trouble after three seconds; here after less."""
    monkeypatch.setattr(fetching, "TIMEOUT_SECONDS", 0.2)
    site.silent = True
    with pytest.raises(Unavailable, match="does not answer"):
        fetch(site.url)


def test_nothing_is_fetched_without_tls() -> None:
    """Keys over http are anybody's."""
    for url in ("http://id.example.com", "file:///etc/passwd", "", "HTTPS://id.example.com"):
        with pytest.raises(DeclarationError, match="https://"):
            KeySource(url)
