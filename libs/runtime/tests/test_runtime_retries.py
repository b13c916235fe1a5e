"""Failed attempts are made again: a few, spread in time, paid from a budget, where that is safe."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from depot_contract import DepotApi, Reservation, Stock
from hypothesis import given
from hypothesis import strategies as st
from shop_service import cancel, reserve

from trunkline import IdempotencyKey
from trunkline.clients import Breaker, Call
from trunkline.clients.retries import (
    ATTEMPTS,
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE,
    RetryBudget,
    pause_after,
)
from trunkline.errors import (
    BulkheadFull,
    CallRefused,
    CircuitOpen,
    Conflict,
    DeadlineExceeded,
    InternalError,
    NotFound,
    Problem,
    RequestInProgress,
    TooManyRequests,
    Unavailable,
)
from trunkline.invocation import Invocation, running
from trunkline.testing import ServiceHarness
from trunkline.testing.deadline import far_away

KEY = IdempotencyKey("k")
ONE = Reservation(sku="a", pieces=1)


class Depot:
    """A neighbour that answers what its list says, and then well."""

    def __init__(self, shop: ServiceHarness, *problems: Problem) -> None:
        self.problems = list(problems)
        self.neighbour = shop.answers(DepotApi.get_stock, self.get_stock)
        shop.answers(DepotApi.reserve, self.reserve)
        shop.answers(DepotApi.cancel, self.cancel)

    @property
    def asked(self) -> int:
        return len(self.neighbour.requests)

    def get_stock(self, sku: str, region: str, shelf: list[int]) -> Stock:
        self._fail()
        return Stock(sku=sku, pieces=3)

    def reserve(self, body: Reservation, idempotency_key: IdempotencyKey) -> Stock:
        self._fail()
        return Stock(**body.model_dump())

    def cancel(self, sku: str) -> None:
        self._fail()

    def _fail(self) -> None:
        if self.problems:
            raise self.problems.pop(0)


def get_stock(timeout: float = 5.0) -> Call[..., Stock]:
    """A declared query."""
    return Call(DepotApi.get_stock, timeout=timeout)


def test_a_query_is_asked_again(shop: ServiceHarness) -> None:
    """Two failures are none for who asks."""
    depot = Depot(shop, InternalError(), InternalError())
    assert get_stock()("a") == Stock(sku="a", pieces=3)
    assert depot.asked == 3


def test_a_third_failure_is_the_calls(shop: ServiceHarness) -> None:
    """There are three attempts, and no more."""
    depot = Depot(shop, *(InternalError() for _ in range(9)))
    with pytest.raises(Unavailable, match="answered 500"):
        get_stock()("a")
    assert depot.asked == 3


def test_a_command_with_a_key_is_asked_again(shop: ServiceHarness) -> None:
    """The same request goes out again, with its key, so that it is done once."""
    depot = Depot(shop, InternalError())
    assert reserve(ONE, KEY) == Stock(sku="a", pieces=1)
    first, second = depot.neighbour.requests
    for part in ("body", "path"):
        assert first[part] == second[part]
    assert first["headers"]["Idempotency-Key"] == second["headers"]["Idempotency-Key"] == "k"


def test_a_command_without_a_key_is_asked_once(shop: ServiceHarness) -> None:
    """It may have been done, and doing it twice may be wrong."""
    depot = Depot(shop, InternalError())
    with pytest.raises(Unavailable):
        cancel("a")
    assert depot.asked == 1


@pytest.mark.parametrize("problem", [NotFound(), Conflict()])
def test_an_answer_is_not_asked_for_again(shop: ServiceHarness, problem: Problem) -> None:
    """What the called service says of its own things will not change within moments."""
    depot = Depot(shop, problem)
    with pytest.raises(type(problem)):
        get_stock()("a")
    assert depot.asked == 1


def test_retry_after_is_honoured(shop: ServiceHarness) -> None:
    """The next attempt comes no sooner than the called service said."""
    depot = Depot(shop, TooManyRequests(retry_after=1))
    begin = time.monotonic()
    get_stock(timeout=10)("a")
    assert time.monotonic() - begin >= 1
    assert depot.asked == 2


def test_a_service_that_asks_for_long_is_left_alone(shop: ServiceHarness) -> None:
    """Whoever called is told how long, at once."""
    depot = Depot(shop, Unavailable(retry_after=30))
    with pytest.raises(Unavailable) as caught:
        get_stock()("a")
    assert (depot.asked, caught.value.retry_after) == (1, 30)


def test_no_attempt_begins_that_has_no_time(shop: ServiceHarness) -> None:
    """A pause that does not fit into what is left of the invocation is not begun."""
    depot, call = Depot(shop, Unavailable(retry_after=1)), get_stock(timeout=20)
    invocation = Invocation("shop", "api", "h", far_away(1.2), call.granted())
    with running(invocation), pytest.raises(Unavailable):
        call("a")
    assert depot.asked == 1


def test_failures_everywhere_stop_the_retries(shop: ServiceHarness) -> None:
    """When nothing succeeds, the budget is soon spent, and each call is one attempt."""
    depot = Depot(shop, *(InternalError() for _ in range(99)))
    call = Call(DepotApi.get_stock, timeout=5.0, breaker=Breaker(minimum=1000))
    for _ in range(10):
        with pytest.raises(Unavailable):
            call("a")
    assert depot.asked == 10 + RetryBudget.CAPACITY / RetryBudget.COST


class Breaking(BaseHTTPRequestHandler):
    """Answers the first request of the first connection; breaks off all others of the first two."""

    protocol_version = "HTTP/1.1"
    connections = requests = 0

    def setup(self) -> None:
        Breaking.connections += 1
        self.mine, self.served = Breaking.connections, 0
        super().setup()

    def do_GET(self) -> None:
        Breaking.requests += 1
        self.served += 1
        if self.breaks():
            self.close_connection = True
            return
        body = b'{"sku": "a", "pieces": 3}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def breaks(self) -> bool:
        return self.mine == 1 and self.served > 1

    def log_message(self, *args: Any) -> None:
        """A test's output is its own."""


class AlwaysBreaking(Breaking):
    """Breaks off whatever comes."""

    def breaks(self) -> bool:
        return True


@pytest.fixture
def breaking(shop: ServiceHarness) -> Iterator[Callable[[type[Breaking]], None]]:
    """Makes a server that breaks off the neighbour."""
    with ExitStack() as stack:

        def listen(handler: type[Breaking]) -> None:
            Breaking.connections = Breaking.requests = 0
            server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
            server.daemon_threads = True
            thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            shop._announce("depot", f"http://127.0.0.1:{server.server_address[1]}")

        yield listen


def test_a_dead_kept_connection_is_no_failure(
    breaking: Callable[[type[Breaking]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request goes out again at once, on a new connection, and costs no retry."""
    monkeypatch.setattr(RetryBudget, "CAPACITY", 0)
    breaking(Breaking)
    call = get_stock()
    assert [call("a").pieces for _ in range(2)] == [3, 3]
    assert (Breaking.connections, Breaking.requests) == (2, 3)


def test_a_service_that_breaks_off_is_asked_three_times(
    breaking: Callable[[type[Breaking]], None],
) -> None:
    """A new connection that breaks is a failed attempt like any other."""
    breaking(AlwaysBreaking)
    with pytest.raises(Unavailable, match="broke off"):
        get_stock()("a")
    assert Breaking.requests == ATTEMPTS


@given(st.lists(st.sampled_from(["earn", "spend"]), max_size=300))
def test_retries_are_a_fifth_of_successes(steps: list[str]) -> None:
    """At any moment: at most ten, and one for every five calls that succeeded."""
    budget = RetryBudget()
    successes = retries = 0
    for step in steps:
        if step == "earn":
            budget.earn()
            successes += 1
        else:
            retries += budget.spend()
        assert retries <= 10 + successes / 5


@given(st.integers(0, 60), st.integers(0, 300))
def test_the_budget_does_not_save_up(before: int, successes: int) -> None:
    """However long all was well, an outage gets ten retries at once."""
    budget = RetryBudget()
    for _ in range(before):
        budget.spend()
    for _ in range(successes):
        budget.earn()
    spent = sum(budget.spend() for _ in range(100))
    assert spent <= 10
    assert spent >= min(10, successes // 5)


@given(
    attempt=st.integers(1, ATTEMPTS - 1),
    asked=st.none() | st.floats(0, 100),
    timeout=st.floats(0.01, 60),
    chance=st.floats(0, 1, exclude_max=True),
)
def test_pauses_are_spread(
    attempt: int, asked: float | None, timeout: float, chance: float
) -> None:
    """Anywhere from nothing to the bound, which doubles, on top of what was asked for."""
    problem = Unavailable(retry_after=asked)
    pause = pause_after(attempt, problem, timeout=timeout, chance=lambda: chance)
    least = asked or 0.0
    if least > timeout * LONGEST_PAUSE:
        assert pause is None
    else:
        assert pause is not None
        assert pause == least + chance * FIRST_PAUSE_SECONDS * (1, 2)[attempt - 1]
        assert least <= pause <= least + FIRST_PAUSE_SECONDS * 2


@pytest.mark.parametrize(
    ("problem", "again"),
    [
        (Unavailable(), True),
        (TooManyRequests(), True),
        (RequestInProgress(), True),
        (Conflict(), False),
        (NotFound(), False),
        (CallRefused(), False),
        (InternalError(), False),
        (DeadlineExceeded(), False),
        (CircuitOpen("x.y", 0.0), False),
        (BulkheadFull("x.y", 1), False),
    ],
)
def test_what_may_pass(problem: Problem, again: bool) -> None:
    """No answer may become one; a refusal stays one; what was not asked is not asked again."""
    assert (pause_after(1, problem, timeout=1) is not None) is again
    assert pause_after(ATTEMPTS, problem, timeout=1) is None
