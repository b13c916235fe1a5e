"""Concurrent requests with one key: they die, fail, come late and come twice, at every step."""

from __future__ import annotations

import itertools
import json
import os
import threading
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from records_table import WithRecordsTable

from trunkline import Api, Caller, IdempotencyKey, Model, Service, clock, command, idempotent
from trunkline.api.handler import ApiProgram
from trunkline.idempotency import Different, Done, Lock, Running, Store
from trunkline.idempotency.aws import DynamoStore
from trunkline.testing import MemoryStore
from trunkline.testing.deadline import far_away
from trunkline.testing.events import api_event

KEEP = 60
"""Seconds for which the service below remembers a response."""


class Killed(BaseException):
    """The end of a process: no code of ours sees it."""


class Worker(threading.Thread):
    """One invocation in a process of its own; it stops at every step until it is told to go on."""

    def __init__(self, key: str, event: dict[str, Any], seconds: int, *, fails: bool) -> None:
        super().__init__(daemon=True)
        self.key = key
        self.fails = fails
        self.answer: dict[str, Any] | None = None
        self.ends = self.lock_until = 0.0
        self.at_work = False
        self.remembered: str | None = None
        """The one response of its key, when it asked or when it had done the work."""
        self.program: ApiProgram | None = None
        self._event, self._seconds = event, seconds
        self._go, self._stopped = threading.Semaphore(0), threading.Semaphore(0)
        self._killed = False

    def run(self) -> None:
        """Answer the request."""
        running_worker.set(self)
        try:
            self.stop()
            assert self.program is not None
            self.ends = far_away(self._seconds)
            self.answer = self.program.handle(self._event, self.ends)
        except Killed:
            pass
        finally:
            self._stopped.release()

    def stop(self) -> None:
        """Called on the worker's thread: wait until the test lets it go on."""
        self._stopped.release()
        self._go.acquire()
        if self._killed:
            raise Killed

    def step(self, *, kill: bool = False) -> None:
        """Called by the test: let the worker go on to where it stops next, or end it here."""
        self._killed = kill
        self._go.release()
        self._stopped.acquire()
        if not self.is_going_on:
            self.join()

    def begin(self) -> None:
        """Start the thread; it stops at once."""
        self.start()
        self._stopped.acquire()

    @property
    def is_going_on(self) -> bool:
        """Whether it has neither answered nor died."""
        return self.answer is None and not self._killed


running_worker: ContextVar[Worker] = ContextVar("running_worker")


@dataclass
class World:
    """What the outside sees, and what it expects of the service."""

    seconds: float = 1_800_000_000.0
    """What every clock says."""
    workers: list[Worker] = field(default_factory=list)
    remembered: dict[str, tuple[str | None, float]] = field(default_factory=dict)
    """The response of each key, and until when it counts."""
    runs: itertools.count[int] = field(default_factory=itertools.count)

    def time(self) -> float:
        """Seconds since 1970."""
        return self.seconds

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return self.seconds

    def known(self, key: str) -> str | None:
        """The response that a request with this key must get, if one is remembered."""
        result, until = self.remembered.get(key, (None, 0.0))
        return result if self.seconds < until else None

    def enter(self, worker: Worker) -> None:
        """A handler begins: nobody else may be at it, and nobody may have done it."""
        assert self.known(worker.key) is None, "an effect after its response was remembered"
        for other in self.workers:
            if other is not worker and other.key == worker.key and other.is_going_on:
                assert not other.at_work or other.lock_until <= self.seconds, "two effects at once"
        worker.at_work = True


class Steps:
    """A store whose user stops before and after each of its operations."""

    def __init__(self, store: Store, world: World) -> None:
        self._store, self._world = store, world

    def acquire(
        self, key: str, payload: str, *, lock_seconds: float, keep_seconds: float
    ) -> Lock | Done | Running | Different:
        """Ask for the right to do the work."""
        worker = running_worker.get()
        worker.stop()
        worker.lock_until = self._world.seconds + lock_seconds
        outcome = self._store.acquire(
            key, payload, lock_seconds=lock_seconds, keep_seconds=keep_seconds
        )
        worker.remembered = self._world.known(worker.key)
        worker.stop()
        return outcome

    def complete(self, lock: Lock, result: str | None, *, keep_seconds: float) -> None:
        """Record that the work is done."""
        worker = running_worker.get()
        worker.stop()
        self._store.complete(lock, result, keep_seconds=keep_seconds)
        worker.at_work = False
        assert self._world.known(worker.key) is None, "a response was overwritten"
        self._world.remembered[worker.key] = (result, self._world.seconds + keep_seconds)
        worker.remembered = result
        worker.stop()

    def release(self, lock: Lock) -> None:
        """Give the right back."""
        worker = running_worker.get()
        worker.stop()
        self._store.release(lock)
        worker.at_work = False
        worker.stop()


class Pay(Model):
    """What to pay."""

    amount: int


class Paid(Model):
    """Which run of the handler paid."""

    run: int


class TillApi(Api, version=1, service="till"):
    """Pay something."""

    @command("POST", "/payments")
    def pay(self, body: Pay, key: IdempotencyKey) -> Paid:
        """Pay once."""


class Requests(RuleBasedStateMachine):
    """Several workers answer requests with two keys, interleaved step by step."""

    new_store: ClassVar[Callable[[Callable[[], float]], Store]] = MemoryStore
    _examples = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        self.before = dict(os.environ)
        os.environ["TRUNKLINE_ENVIRONMENT"] = "test"
        os.environ["TRUNKLINE_CALLERS"] = "shop"
        self.example = next(self._examples)
        self.world = World()
        self.clock = clock.use(self.world)
        store = Steps(type(self).new_store(self.world.time), self.world)
        till = Service("till", entry="-")

        @till.implements(TillApi.pay, idempotency=idempotent(keep=KEEP))
        def pay(body: Pay) -> Paid:
            worker = running_worker.get()
            self.world.enter(worker)
            worker.stop()
            run = next(self.world.runs)
            worker.stop()
            if worker.fails:
                raise RuntimeError("after the effect")
            return Paid(run=run)

        self.program = ApiProgram(till, store)

    def teardown(self) -> None:
        """Leave no thread and no variable behind."""
        for worker in self.going_on():
            worker.step(kill=True)
        clock.use(self.clock)
        os.environ.clear()
        os.environ.update(self.before)

    def going_on(self) -> list[Worker]:
        """The workers that have neither answered nor died."""
        return [worker for worker in self.world.workers if worker.is_going_on]

    def request(
        self, key: str, *, amount: int = 1, seconds: int = 9, fails: bool = False
    ) -> Worker:
        """A request arrives at a worker of its own."""
        event = api_event(
            "POST",
            "/payments",
            {"amount": amount},
            caller=Caller.service("shop"),
            headers={"Idempotency-Key": f"{self.example}-{key}"},
        )
        worker = Worker(key, event, seconds, fails=fails)
        worker.program = self.program
        worker.begin()
        self.world.workers.append(worker)
        return worker

    def step(self, worker: Worker) -> None:
        """Let a worker go on, and look at its answer if it has one."""
        worker.step()
        if worker.answer is None:
            return
        status = worker.answer["statusCode"]
        assert status in (201, 409, 422, 500, 504), worker.answer
        if status == 504:
            assert worker.ends <= self.world.seconds
        assert status != 500 or worker.fails
        if status == 201:
            assert worker.remembered is not None, "a success that is not remembered"
            assert json.loads(worker.remembered)["body"] == worker.answer["body"]
        if status == 409:
            assert 1 <= int(worker.answer["headers"]["Retry-After"]) <= 10

    def finish(self, worker: Worker) -> dict[str, Any]:
        """Let a worker go on to its end."""
        while worker.answer is None:
            self.step(worker)
        return worker.answer

    @precondition(lambda self: len(self.going_on()) < 4)
    @rule(
        key=st.sampled_from("ab"),
        amount=st.sampled_from([1, 1, 1, 2]),
        seconds=st.integers(5, 10),
        fails=st.sampled_from([False, False, True]),
    )
    def arrive(self, key: str, amount: int, seconds: int, fails: bool) -> None:
        """One more request, perhaps a repetition, perhaps with another payload."""
        self.request(key, amount=amount, seconds=seconds, fails=fails)

    @precondition(lambda self: self.going_on())
    @rule(index=st.integers(0, 3), steps=st.integers(1, 8))
    def go_on(self, index: int, steps: int) -> None:
        """One of the workers goes on."""
        found = self.going_on()
        worker = found[index % len(found)]
        for _ in range(steps):
            if worker.is_going_on:
                self.step(worker)

    @precondition(lambda self: self.going_on())
    @rule(index=st.integers(0, 3))
    def die(self, index: int) -> None:
        """One of the workers dies where it is."""
        found = self.going_on()
        found[index % len(found)].step(kill=True)

    @precondition(lambda self: 1 <= len(self.going_on()) < 4)
    @rule(index=st.integers(0, 3), before=st.integers(1, 8), after=st.integers(1, 8))
    def overtake(self, index: int, before: int, after: int) -> None:
        """One of the workers outlives its lock; a repeated request comes as far as it may."""
        self.go_on(index, before)
        found = self.going_on()
        if found:
            self.world.seconds += 11
            worker = self.request(found[index % len(found)].key)
            for _ in range(after):
                if worker.is_going_on:
                    self.step(worker)

    @rule(seconds=st.sampled_from([1, 3, 5, 11, KEEP // 2, KEEP]))
    def wait(self, seconds: int) -> None:
        """Time passes: locks end, responses are forgotten; workers may come late."""
        self.world.seconds += seconds

    @rule(key=st.sampled_from("ab"))
    def patience(self, key: str) -> None:
        """A key is never lost: who comes back when told to gets through, once others let it."""
        for worker in self.going_on():
            if worker.key == key:
                return
        answer = self.finish(self.request(key))
        if answer["statusCode"] == 409:
            self.world.seconds += int(answer["headers"]["Retry-After"])
            answer = self.finish(self.request(key))
        assert answer["statusCode"] in (201, 422)


class RequestsOnDynamoDB(Requests):
    """The same on the store that runs in production."""

    new_store = staticmethod(lambda clock: DynamoStore(clock=clock))


RequestsOnDynamoDB.TestCase.settings = settings(stateful_step_count=10)


class TestRequestsInMemory(Requests.TestCase):
    """No effect twice, no response overwritten, no key lost: the reference store."""


class TestRequestsOnDynamoDB(WithRecordsTable, RequestsOnDynamoDB.TestCase):
    """No effect twice, no response overwritten, no key lost: DynamoDB."""
