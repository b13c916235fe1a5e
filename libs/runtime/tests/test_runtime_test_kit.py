"""The test kit: time, faults, messages that come back, and what a cloud cannot do."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from depot_contract import DepotApi
from shop_contract import PaymentSeen
from shop_service import effects, get_stock, lines, orders

from trunkline import clock
from trunkline.errors import NotInThisCloud, Unavailable
from trunkline.manifest.model import Manifest
from trunkline.testing import Email, Failure, ServiceHarness
from trunkline.testing.aws.in_process import MotoCloud
from trunkline.testing.clock import MovableClock

ORDER = {"sku": "mug", "quantity": 1}


def place(shop: ServiceHarness, key: str = "key-1") -> int:
    """Place an order; the status."""
    return shop.call("POST", "/orders", ORDER, headers={"Idempotency-Key": key}).status


# Time


def test_time_only_moves_forward() -> None:
    """Both clocks move by the same seconds; nothing moves back, and the world keeps its time."""
    movable = MovableClock()
    with movable.ticking():
        wall, stopwatch = clock.now(), clock.monotonic()
        movable.advance(3600)
        assert clock.now() - wall == pytest.approx(3600, abs=60)
        assert clock.monotonic() - stopwatch == pytest.approx(3600, abs=60)
        with pytest.raises(ValueError, match="does not go back"):
            movable.advance(-1)
    assert clock.now() - wall < 60


def test_a_lock_ends_when_time_passes(shop: ServiceHarness) -> None:
    """A request whose process died is refused while its lock holds, and works afterwards."""
    shop.faults.write("idempotency", Failure.CRASH_AFTER)
    assert place(shop) == 502
    assert place(shop) == 409
    shop.advance(31)
    assert place(shop) == 201


def test_a_message_that_failed_comes_back_when_it_is_due(shop: ServiceHarness) -> None:
    """It waits as long as the consumer said, and counts its deliveries."""
    shop.answers(DepotApi.get_stock, lambda sku: (_ for _ in ()).throw(Unavailable("closed")))
    message = PaymentSeen(order_id="nobody's")
    effects.before = lambda _: (_ for _ in ()).throw(Unavailable("not now"))
    place(shop)
    assert not shop.deliver(message)
    (waiting,) = shop.waiting()
    assert waiting.receives == 2
    assert waiting.due > clock.now()
    assert shop.redeliver() == []
    shop.advance(waiting.due - clock.now())
    assert shop.redeliver() == [False]
    assert shop.waiting()[0].receives == 3


# Faults


@pytest.mark.parametrize(
    ("failure", "status", "stored"),
    [
        (Failure.THROTTLED, 500, False),
        (Failure.CONFLICT, 409, False),
        (Failure.NO_ANSWER, 500, True),
        (Failure.CRASH_BEFORE, 502, False),
        (Failure.CRASH_AFTER, 502, True),
    ],
)
def test_a_write_fails_as_told(
    shop: ServiceHarness, failure: Failure, status: int, stored: bool
) -> None:
    """Each failure gives its answer, has its effect or none, and strikes once."""
    shop.faults.write(orders, failure)
    assert place(shop) == status
    assert bool(shop.emitted()) is stored
    assert place(shop, "key-2") == 201


def test_a_fault_is_about_its_table(shop: ServiceHarness) -> None:
    """Other tables, and reads, are left alone."""
    shop.faults.write("idempotency", Failure.THROTTLED)
    assert place(shop) == 500
    assert shop.emitted() == []
    shop.faults.read(lines, Failure.THROTTLED)
    assert place(shop) == 201
    assert shop.call("GET", "/orders", query={"sku": "mug"}).status == 500


def test_a_fault_strikes_as_often_as_told(shop: ServiceHarness) -> None:
    """And no more."""
    shop.faults.write(orders, Failure.THROTTLED, times=2)
    assert [place(shop, key) for key in ("1", "2", "3")] == [500, 500, 201]


def test_what_is_not_published_stays(shop: ServiceHarness) -> None:
    """The relay fails, once at the topic and once at the queue, and then publishes."""
    place(shop)
    shop.faults.publish(Failure.CRASH_BEFORE)
    assert [shop.relay() for _ in range(3)] == [False, False, True]
    assert shop.emitted() == []


def test_a_silent_neighbour_costs_the_calls_timeout(shop: ServiceHarness) -> None:
    """It takes the request and never answers."""
    shop.silent("depot")
    assert get_stock("mug").pieces == 0, "no fallback"


def test_faults_end_with_the_harness(shop: ServiceHarness) -> None:
    """What never struck strikes nobody else."""
    shop.faults.write(orders, Failure.THROTTLED)
    with ServiceHarness(shop.service) as other:
        assert place(other) == 500
    with ServiceHarness(shop.service) as other:
        other.faults.close()
        shop.faults.close()
        assert place(other) == 201


# Clouds


class ElsewhereCloud:
    """A cloud that is not the test's own."""

    environment = "test"
    in_process = False

    def __init__(self) -> None:
        self._real = MotoCloud()

    def serving(self, manifest: Manifest) -> AbstractContextManager[None]:
        return self._real.serving(manifest)

    @contextmanager
    def inside(self, function: str) -> Iterator[None]:
        with self._real.inside(function):
            yield

    def client(self, service: str) -> Any:
        return self._real.client(service)

    def hidden_for(self, queue: str, receipt_handle: str) -> float:
        return self._real.hidden_for(queue, receipt_handle)

    def emails(self) -> list[Email]:
        return self._real.emails()


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda h: h.faults, id="faults"),
        pytest.param(lambda h: h.set_secret("api-key", "x"), id="a secret"),
        pytest.param(lambda h: h.set_setting("greeting", "x"), id="a setting"),
        pytest.param(lambda h: h.unreachable("depot"), id="an unreachable neighbour"),
        pytest.param(lambda h: h.silent("depot"), id="a silent neighbour"),
        pytest.param(lambda h: h.answers(DepotApi.get_stock, None), id="a neighbour"),
        pytest.param(lambda h: h.rotate("api-key"), id="a rotation"),
        pytest.param(lambda h: h.allow_callers("stranger"), id="a caller"),
    ],
)
def test_what_a_running_cloud_cannot_do_is_said(ask: Any) -> None:
    """The reason is in the error, which the plugin makes the reason of a skipped test."""
    from shop_service import service

    with (
        ServiceHarness(service, ElsewhereCloud()) as harness,
        pytest.raises(NotInThisCloud, match=": "),
    ):
        ask(harness)


def test_the_same_calls_work_there() -> None:
    """A test that asks for nothing special does not notice."""
    from shop_service import service

    with ServiceHarness(service, ElsewhereCloud()) as harness:
        assert harness.default_caller().subject == "shop"
        assert place(harness) == 201
        assert len(harness.emitted()) == 2


# The plugin


def test_the_plugin_finds_the_service_and_skips(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`harness` is the service of the nearest service.json; what a cloud has not is a skip."""
    monkeypatch.syspath_prepend(Path(__file__).parent / "sample")
    pytester.makeconftest('pytest_plugins = ["trunkline.pytest_plugin"]')
    Path(pytester.path, "service.json").write_text('{"entry": "shop_service:service"}')
    tests = """
        from trunkline.errors import NotInThisCloud

        def test_service(harness):
            assert harness.service.name == "shop"
            assert harness.emitted() == []

        def test_skipped():
            raise NotInThisCloud("a moon", "it has none")
    """
    Path(pytester.mkdir("tests"), "test_it.py").write_text(textwrap.dedent(tests))
    result = pytester.runpytest_inprocess("-rs", "-p", "no:randomly", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["*a moon: it has none*"])
