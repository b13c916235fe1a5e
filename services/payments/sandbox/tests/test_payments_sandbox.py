"""The provider as its merchants see it: over HTTP, with a real ledger."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from payments_sandbox import Keys, Ledger, SandboxServer

ORDER = {"amount": 1250, "currency": "EUR", "source": "tok_visa", "reference": "order-1"}


class Merchant:
    """A client of the provider."""

    def __init__(self, url: str, key: str = "right-key") -> None:
        self.url = url
        self.key = key

    def charge(self, body: object, idempotency_key: str | None = "key-1") -> tuple[int, dict]:
        return self.send("POST", "/v1/charges", body, idempotency_key)

    def send(
        self, method: str, path: str, body: object = None, idempotency_key: str | None = None
    ) -> tuple[int, dict]:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        if idempotency_key is not None:
            headers["Idempotency-Key"] = idempotency_key
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)


@pytest.fixture
def merchant(tmp_path: Path) -> Iterator[Merchant]:
    """A merchant of a provider of its own."""
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    server = SandboxServer(
        ("127.0.0.1", 0), ledger, Keys(tmp_path / "keys.sqlite3", first=lambda: "right-key")
    )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield Merchant(server.url)
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_charge_is_captured_and_listed(merchant: Merchant) -> None:
    """A good card gives 201, and the charge is in the ledger under its reference."""
    status, charge = merchant.charge(ORDER)
    assert status == 201
    assert charge["status"] == "captured"
    merchant.charge({**ORDER, "reference": "order-2"}, idempotency_key="key-2")
    assert merchant.send("GET", "/v1/charges?reference=order-1") == (200, {"data": [charge]})
    _, everything = merchant.send("GET", "/v1/charges")
    assert [c["reference"] for c in everything["data"]] == ["order-1", "order-2"]


def test_a_declined_card(merchant: Merchant) -> None:
    """tok_declined gives 402, repeated too, and the ledger says declined."""
    for _ in range(2):
        status, answer = merchant.charge({**ORDER, "source": "tok_declined"})
        assert (status, answer["error"]["code"]) == (402, "card_declined")
    _, listing = merchant.send("GET", "/v1/charges")
    assert [c["status"] for c in listing["data"]] == ["declined"]


def test_a_repeated_key_charges_once_also_under_concurrency(merchant: Merchant) -> None:
    """Twenty simultaneous requests with one key make one charge and get the same answer."""
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: merchant.charge(ORDER), range(20)))
    assert sorted(status for status, _ in answers) == [200] * 19 + [201]
    assert len({charge["id"] for _, charge in answers}) == 1
    _, listing = merchant.send("GET", "/v1/charges?reference=order-1")
    assert [c["requests"] for c in listing["data"]] == [20]


def test_a_key_belongs_to_one_body(merchant: Merchant) -> None:
    """The same key with another amount is refused with 422 and changes nothing."""
    merchant.charge(ORDER)
    status, answer = merchant.charge({**ORDER, "amount": 1})
    assert (status, answer["error"]["code"]) == (422, "idempotency_key_reused")
    _, listing = merchant.send("GET", "/v1/charges")
    assert [(c["amount"], c["requests"]) for c in listing["data"]] == [(1250, 1)]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param([], id="no object"),
        pytest.param({}, id="empty"),
        pytest.param({**ORDER, "amount": 0}, id="nothing"),
        pytest.param({**ORDER, "amount": True}, id="boolean"),
        pytest.param({**ORDER, "amount": 1.5}, id="fraction"),
        pytest.param({**ORDER, "currency": "euro"}, id="currency"),
        pytest.param({**ORDER, "source": ""}, id="source"),
        pytest.param({**ORDER, "reference": None}, id="reference"),
    ],
)
def test_a_malformed_charge_is_refused(merchant: Merchant, body: object) -> None:
    """What is no charge gets 400 and leaves no trace in the ledger."""
    assert merchant.charge(body)[0] == 400
    assert merchant.send("GET", "/v1/charges") == (200, {"data": []})


def test_a_charge_needs_an_idempotency_key(merchant: Merchant) -> None:
    """Without the header a charge could happen twice, so it is refused."""
    status, answer = merchant.charge(ORDER, idempotency_key=None)
    assert (status, answer["error"]["code"]) == (400, "key_missing")


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/charges"), ("GET", "/v1/charges")])
def test_a_wrong_key_gets_401(merchant: Merchant, method: str, path: str) -> None:
    """Neither charging nor reading works with a key that is not the merchant's."""
    stranger = Merchant(merchant.url, key="wrong-key")
    assert stranger.send(method, path, ORDER if method == "POST" else None, "key-1")[0] == 401


def test_a_key_replaces_another_without_a_gap(merchant: Merchant) -> None:
    """An issued key works beside the old one, until the old one is revoked with the new."""
    status, issued = merchant.send("POST", "/v1/keys", None, "rotation-1")
    assert status == 201
    successor = Merchant(merchant.url, issued["key"])
    assert merchant.charge(ORDER)[0] == 201
    assert successor.charge(ORDER)[0] == 200
    assert successor.send("POST", "/v1/keys/revoke-others") == (200, {"revoked": 1})
    assert successor.send("POST", "/v1/keys/revoke-others") == (200, {"revoked": 0})
    assert merchant.charge(ORDER)[0] == 401
    assert successor.charge(ORDER)[0] == 200


def test_a_key_that_is_asked_for_again_is_the_same(merchant: Merchant) -> None:
    """So a merchant who crashed before storing it loses nothing; without the header: refused."""
    _, first = merchant.send("POST", "/v1/keys", None, "rotation-1")
    assert merchant.send("POST", "/v1/keys", None, "rotation-1") == (200, first)
    assert merchant.send("POST", "/v1/keys", None, "rotation-2")[1] != first
    assert merchant.send("POST", "/v1/keys")[0] == 400


def test_health_and_unknown_paths(merchant: Merchant) -> None:
    """Health needs no key; what does not exist is 404."""
    stranger = Merchant(merchant.url, key="wrong-key")
    assert stranger.send("GET", "/health") == (200, {"status": "ok"})
    assert merchant.send("GET", "/nothing")[0] == 404


def command(data: Path, key_file: Path) -> list[str]:
    """How the program is started, on a free port."""
    options = {"--port": "0", "--data": str(data), "--api-key-file": str(key_file)}
    arguments = [word for option in options.items() for word in option]
    return [sys.executable, "-m", "payments_sandbox", *arguments]


@contextmanager
def running(data: Path, key_file: Path) -> Iterator[tuple[subprocess.Popen[str], Merchant]]:
    """The program as a process, killed at the latest when the test is over."""
    process = subprocess.Popen(
        command(data, key_file),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        assert process.stdout is not None
        try:
            yield process, Merchant(process.stdout.readline().split()[-1])
        finally:
            process.kill()


def test_the_process_stops_on_sigterm_and_keeps_its_ledger(tmp_path: Path) -> None:
    """SIGTERM ends it with code 0, and the next process knows the charges of the last."""
    key_file = tmp_path / "key"
    key_file.write_text("right-key\n")
    for expected in (201, 200):
        with running(tmp_path, key_file) as (process, merchant):
            assert merchant.charge(ORDER)[0] == expected
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 0


def test_a_rotated_key_counts_at_once(tmp_path: Path) -> None:
    """The key file is read for each request, so the old key is refused without a restart."""
    key_file = tmp_path / "key"
    key_file.write_text("right-key")
    with running(tmp_path, key_file) as (_, merchant):
        assert merchant.charge(ORDER)[0] == 201
        key_file.write_text("next-key")
        assert merchant.charge(ORDER)[0] == 401
        merchant.key = "next-key"
        assert merchant.charge(ORDER)[0] == 200


def test_a_missing_key_file_is_said_in_one_line(tmp_path: Path) -> None:
    """Bad start options end with code 1 and one line on stderr."""
    result = subprocess.run(
        command(tmp_path, tmp_path / "absent"),
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
