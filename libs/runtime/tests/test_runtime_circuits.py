"""Circuits: open when attempts mostly fail, probe with one attempt, never stay open for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from trunkline.clients import Breaker
from trunkline.clients.circuit import (
    LOOK_SECONDS,
    PROBE_MARGIN_SECONDS,
    Circuit,
    CircuitStore,
    Hold,
    Permit,
)
from trunkline.errors import (
    CallRefused,
    CircuitOpen,
    DeadlineExceeded,
    DeclarationError,
    NotFound,
    Problem,
    TooManyRequests,
    Unavailable,
)
from trunkline.testing.circuits import MemoryCircuits

RULE = Breaker(failure_rate=0.5, minimum=2, window=10, pause=5)
ATTEMPT_SECONDS = 1.0
NAME = "depot.get_stock"


class Clock:
    """A clock that tests turn."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Crash(BaseException):
    """The process dies."""


@dataclass
class Watched:
    """A worker's way to the store: can die on it, be overtaken on it, and notes what it learned."""

    store: CircuitStore
    now: Callable[[], float]
    dies: str | None = None
    overtaken_by: Callable[[], None] | None = None
    known: Hold | None = None
    since: float = 0.0
    read_at: float = float("-inf")
    patience: float = float("-inf")
    """For how much longer than it asks the last hold was looked at, before it was replaced."""

    def read(self, name: str) -> Hold | None:
        self.read_at = self.now()
        return self._learn(self.store.read(name))

    def swap(self, name: str, old: Hold | None, new: Hold | None) -> Hold | None:
        if old is not None and old == self.known:
            self.patience = self.now() - self.since - old.seconds
        if self.overtaken_by is not None:
            overtake, self.overtaken_by = self.overtaken_by, None
            overtake()
        if self.dies == "before the write":
            raise Crash
        found = self._learn(self.store.swap(name, old, new))
        if self.dies == "after the write":
            raise Crash
        return found

    def _learn(self, hold: Hold | None) -> Hold | None:
        if hold != self.known:
            self.known, self.since = hold, self.now()
        return hold


@dataclass
class Worker:
    """One process with its circuit; its clock has nothing to do with the others'."""

    clock: Clock
    way: Watched
    circuit: Circuit
    alive: bool = True
    running: list[Running] = field(default_factory=list)


@dataclass
class Running:
    """An attempt under way."""

    permit: Permit
    ends: float
    """In the world's time; the called service has given up by then."""


class CircuitMachine(RuleBasedStateMachine):
    """Workers call a service that may be ill, die at every step, pause, and overtake each other."""

    def __init__(self) -> None:
        super().__init__()
        self.world = 0.0
        self.store = MemoryCircuits()
        self.workers = [self._worker(offset) for offset in (0.0, 1000.0, -7.5)]
        self.probes: list[Running] = []

    def _worker(self, offset: float) -> Worker:
        clock = Clock()
        clock.now = offset + 10_000
        way = Watched(self.store, clock)
        return Worker(clock, way, Circuit(NAME, RULE, store=way, now=clock))

    def _begin(self, worker: Worker) -> None:
        """One attempt, if the circuit lets it through."""
        try:
            permit = worker.circuit.admit(ATTEMPT_SECONDS)
        except CircuitOpen:
            return
        looked = worker.way.read_at
        assert worker.clock.now < looked + LOOK_SECONDS, "it called without having looked"
        running = Running(permit, self.world + ATTEMPT_SECONDS)
        if permit.probe is None:
            assert worker.way.known is None, "an open circuit let a call through"
        else:
            assert worker.way.patience >= 0, "it probed too soon"
            self.probes.append(running)
        worker.running.append(running)

    @rule(number=st.integers(0, 2))
    def fall_ill(self, number: int) -> None:
        """The service fails as often as one worker's circuit needs to open."""
        worker = self.workers[number]
        for _ in range(RULE.minimum):
            begun = len(worker.running)
            self._begin(worker)
            for running in worker.running[begun:]:
                worker.circuit.settle(running.permit, well=False)
                running.ends = self.world
            del worker.running[begun:]

    @rule()
    def everybody_wants_to(self) -> None:
        """The pause passes, all look, and each tries to be the probe while another does."""
        self.wait(LOOK_SECONDS, None)
        for worker in self.workers:
            worker.circuit.seconds_left()
        self.wait(RULE.pause, None)
        self.begin(0, 1, None)
        self.begin(2, None, None)
        self.wait(ATTEMPT_SECONDS / 2, None)
        self.begin(0, 2, None)

    @rule(
        number=st.integers(0, 2),
        by=st.none() | st.integers(0, 2),
        dies=st.sampled_from([None, None, None, "before the write", "after the write"]),
    )
    def begin(self, number: int, by: int | None, dies: str | None) -> None:
        """An attempt begins; another worker may do the same in between, or the worker dies."""
        worker = self.workers[number]
        worker.way.dies = dies
        if by is not None and by != number:
            worker.way.overtaken_by = lambda: self._begin(self.workers[by])
        try:
            self._begin(worker)
        except Crash:
            self._replace(number)
        worker.way.dies = worker.way.overtaken_by = None

    @rule(
        number=st.integers(0, 2),
        index=st.integers(0, 5),
        well=st.sampled_from([True, False, False, None]),
        dies=st.sampled_from([None, None, None, "before the write", "after the write"]),
    )
    def end(self, number: int, index: int, well: bool | None, dies: str | None) -> None:
        """An attempt ends, perhaps much too late, or its worker dies while it says so."""
        worker = self.workers[number]
        if not worker.running:
            return
        running = worker.running.pop(index % len(worker.running))
        running.ends = min(running.ends, self.world)
        worker.way.dies = dies
        try:
            worker.circuit.settle(running.permit, well)
        except Crash:
            self._replace(number)
        worker.way.dies = None

    @rule(number=st.integers(0, 2))
    def die(self, number: int) -> None:
        """A process ends with all its attempts; another takes its place, and knows nothing."""
        self._replace(number)

    @rule(seconds=st.sampled_from([0.1, 1.0, 2.5, 5.0, 30.0]), frozen=st.none() | st.integers(0, 2))
    def wait(self, seconds: float, frozen: int | None) -> None:
        """Time passes; for a frozen process, as Lambda freezes them, it stands still."""
        self.world += seconds
        for number, worker in enumerate(self.workers):
            if number != frozen:
                worker.clock.now += seconds

    @invariant()
    def one_probe_at_most(self) -> None:
        """Whatever happens, the called service sees one probe at a time."""
        assert len([probe for probe in self.probes if self.world < probe.ends]) <= 1

    def teardown(self) -> None:
        """Nothing that happened blocks calls for ever, and the last word is that all is well."""
        for worker in self.workers:
            self._recovers(worker)

    def _recovers(self, worker: Worker) -> None:
        # First it learns how things are; then it waits as long as a hold lasts at most.
        longest = max(RULE.pause, ATTEMPT_SECONDS + PROBE_MARGIN_SECONDS)
        for seconds in (LOOK_SECONDS, longest, longest):
            worker.clock.now += seconds
            with suppress(CircuitOpen):
                permit = worker.circuit.admit(ATTEMPT_SECONDS)
                worker.circuit.settle(permit, well=True)
                assert worker.circuit.seconds_left() == 0
                return
        raise AssertionError("a circuit stays open for ever")

    def _replace(self, number: int) -> None:
        self.workers[number] = self._worker(self.world * (number + 1))


TestSharedCircuit = CircuitMachine.TestCase
TestSharedCircuit.settings = settings(stateful_step_count=30)


class ThreadsMachine(RuleBasedStateMachine):
    """Attempts of many threads on one circuit that is shared with nobody."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.circuit = Circuit(NAME, RULE, now=self.clock)
        self.running: list[Running] = []
        self.open_until = 0.0
        self.results: list[tuple[float, bool]] = []

    @rule()
    def begin(self) -> None:
        """An attempt begins."""
        left = self.circuit.seconds_left()
        if left > 0:
            with pytest.raises(CircuitOpen):
                self.circuit.admit(ATTEMPT_SECONDS)
            return
        permit = self.circuit.admit(ATTEMPT_SECONDS)
        assert self.clock.now >= self.open_until, "an open circuit let a call through"
        self.running.append(Running(permit, self.clock.now + ATTEMPT_SECONDS))

    @precondition(lambda self: self.running)
    @rule(index=st.integers(0, 5), well=st.sampled_from([True, False, False, None]))
    def end(self, index: int, well: bool | None) -> None:
        """An attempt ends."""
        running = self.running.pop(index % len(self.running))
        before = self.circuit.seconds_left()
        self.circuit.settle(running.permit, well)
        if self.circuit.seconds_left() > before:
            assert well is False, "something else than a failure opened it"
            self.open_until = self.clock.now + RULE.pause

    @rule(seconds=st.sampled_from([0.1, 0.9, 2.5, 5.0, 30.0]))
    def wait(self, seconds: float) -> None:
        """Time passes; what ran longer than it may has ended, without a word."""
        self.clock.now += seconds

    @invariant()
    def one_probe_at_most(self) -> None:
        """One probe at a time."""
        probes = [r for r in self.running if r.permit.probe is not None]
        assert len([probe for probe in probes if self.clock.now < probe.ends]) <= 1

    def teardown(self) -> None:
        """After its pause, or that of a lost probe, the circuit asks again."""
        self.clock.now += self.circuit.seconds_left()
        permit = self.circuit.admit(ATTEMPT_SECONDS)
        self.circuit.settle(permit, well=True)
        assert self.circuit.seconds_left() == 0


TestThreadsCircuit = ThreadsMachine.TestCase
TestThreadsCircuit.settings = settings(stateful_step_count=30)


@pytest.fixture
def clock() -> Clock:
    """A clock at zero."""
    return Clock()


@pytest.fixture
def circuit(clock: Clock) -> Circuit:
    """A circuit of one process."""
    return Circuit(NAME, RULE, now=clock)


def attempt(circuit: Circuit, error: BaseException | None = None) -> None:
    """One attempt that comes to this."""
    expected = nullcontext() if error is None else suppress(type(error))
    with expected, circuit.attempt(ATTEMPT_SECONDS):
        if error is not None:
            raise error


def is_open(circuit: Circuit) -> bool:
    """Whether calls are held back."""
    return circuit.seconds_left() > 0


def test_a_circuit_opens_probes_and_closes(circuit: Circuit, clock: Clock) -> None:
    """The way of a circuit: closed, open, half-open, open again, half-open, closed."""
    attempt(circuit, Unavailable())
    assert not is_open(circuit)
    attempt(circuit, Unavailable())
    with pytest.raises(CircuitOpen) as caught:
        attempt(circuit)
    assert (caught.value.call, caught.value.retry_after) == (NAME, 5)
    clock.now += 5
    attempt(circuit, Unavailable())
    assert is_open(circuit)
    clock.now += 5
    attempt(circuit)
    attempt(circuit, Unavailable())
    assert not is_open(circuit)


@pytest.mark.parametrize(
    ("error", "opens"),
    [
        (Unavailable(), True),
        (TooManyRequests(), True),
        (NotFound(), False),
        (CallRefused(), False),
        (DeadlineExceeded(), False),
        (RuntimeError(), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_what_opens_a_circuit(circuit: Circuit, error: BaseException, opens: bool) -> None:
    """No answer, and the answer that there is too much to do; not what we did wrong."""
    for _ in range(4):
        if not is_open(circuit):
            attempt(circuit, error)
    assert is_open(circuit) is opens


def test_few_failures_do_not_open_it(clock: Clock) -> None:
    """Below the share of failures, or the number of attempts, calls go on."""
    circuit = Circuit(NAME, Breaker(failure_rate=0.5, minimum=4, window=10), now=clock)
    ill, well = Unavailable(), None
    for problem in (ill, ill, ill, well, well, well, well, well, ill, well):
        attempt(circuit, problem)
        clock.now += 0.1 if problem is well else 3
        assert not is_open(circuit)
    clock.now += 10
    for problem in (ill, well, ill):
        attempt(circuit, problem)
    assert not is_open(circuit)
    attempt(circuit, ill)
    assert is_open(circuit)


def test_a_probe_that_tells_nothing_leaves_the_next_one_to_tell(
    circuit: Circuit, clock: Clock
) -> None:
    """A probe that ends by a fault of ours neither closes nor prolongs."""
    for _ in range(2):
        attempt(circuit, Unavailable())
    clock.now += 5
    attempt(circuit, RuntimeError())
    attempt(circuit)
    assert not is_open(circuit)


def test_an_answer_that_comes_late_counts_for_nothing(circuit: Circuit, clock: Clock) -> None:
    """An attempt from before the circuit opened neither closes it nor counts against it later."""
    old = [circuit.admit(ATTEMPT_SECONDS) for _ in range(4)]
    for permit in old[:2]:
        circuit.settle(permit, well=False)
    circuit.settle(old[2], well=True)
    assert is_open(circuit)
    clock.now += 5
    attempt(circuit)
    circuit.settle(old[3], well=False)
    attempt(circuit, Unavailable())
    assert not is_open(circuit)


def test_of_many_threads_one_probes(circuit: Circuit, clock: Clock) -> None:
    """When the pause is over, all threads want to; one may."""
    for _ in range(2):
        attempt(circuit, Unavailable())
    clock.now += 5
    assert len(admitted([circuit] * 8)) == 1


def test_of_many_processes_one_probes(clock: Clock) -> None:
    """The same across processes, through the store."""
    store = MemoryCircuits()
    circuits = [Circuit(NAME, RULE, store=store, now=clock) for _ in range(8)]
    for _ in range(2):
        attempt(circuits[0], Unavailable())
    assert all(is_open(circuit) for circuit in circuits)
    clock.now += 5
    assert len(admitted(circuits)) == 1


def admitted(circuits: list[Circuit]) -> list[Permit]:
    """The permits that threads get, each of its circuit, all at once."""
    start, found = threading.Barrier(len(circuits)), list[Permit]()

    def ask(circuit: Circuit) -> None:
        start.wait()
        with suppress(CircuitOpen):
            found.append(circuit.admit(ATTEMPT_SECONDS))

    threads = [threading.Thread(target=ask, args=(circuit,)) for circuit in circuits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


class Broken:
    """A store that cannot be reached."""

    def read(self, name: str) -> Hold | None:
        raise ConnectionError

    def swap(self, name: str, old: Hold | None, new: Hold | None) -> Hold | None:
        raise ConnectionError


def test_without_its_store_a_process_decides_for_itself(clock: Clock) -> None:
    """A breaker whose table is down is a breaker of one process, and fails no call."""
    circuit = Circuit(NAME, RULE, store=Broken(), now=clock)
    for _ in range(2):
        attempt(circuit, Unavailable())
    assert is_open(circuit)
    clock.now += 5
    assert len(admitted([circuit] * 4)) == 1


@given(
    steps=st.lists(st.tuples(st.integers(0, 8), st.booleans()), max_size=40),
    minimum=st.integers(1, 6),
    rate=st.sampled_from([0.1, 0.5, 1.0]),
)
def test_a_circuit_opens_as_its_rule_says(
    steps: list[tuple[int, bool]], minimum: int, rate: float
) -> None:
    """It opens with the failure that makes the share of the window, and with nothing else."""
    clock = Clock()
    circuit = Circuit(NAME, Breaker(failure_rate=rate, minimum=minimum, window=10), now=clock)
    seen: list[tuple[float, bool]] = []
    for seconds, fails in steps:  # whole seconds, as the window's slices are of one second
        clock.now += seconds
        attempt(circuit, Unavailable() if fails else None)
        seen.append((clock.now, fails))
        counted = [failed for at, failed in seen if clock.now - at < 10]
        share = len(counted) >= minimum and sum(counted) >= rate * len(counted)
        assert is_open(circuit) is (share and fails)
        if is_open(circuit):
            return


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"failure_rate": 0}, "failure_rate is above 0 and at most 1, not 0"),
        ({"failure_rate": 50}, "not 50"),
        ({"minimum": 0}, "minimum is at least 1, not 0"),
        ({"window": 0}, "window is at least 1, not 0"),
        ({"pause": 0}, r"pause is at least 0\.1, not 0"),
    ],
)
def test_a_rule_that_means_nothing_is_refused(rule: dict[str, float], says: str) -> None:
    """While the declaration is imported, with what is allowed."""
    with pytest.raises(DeclarationError, match=says):
        Breaker(**rule)  # type: ignore[arg-type]


def test_an_open_circuit_is_a_kind_of_unavailable() -> None:
    """Who degrades for want of an answer does so here too, and is told when to come back."""
    problem: Problem = CircuitOpen(NAME, 2.5)
    assert isinstance(problem, Unavailable)
    assert (problem.status, problem.retryable, problem.retry_after) == (503, True, 2.5)
