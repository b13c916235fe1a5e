"""Rotation of secrets: cut off and repeated anywhere, the current value always works."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from pydantic import SecretStr

from trunkline import Service
from trunkline.declaration.handlers import RotationHandler
from trunkline.errors import DeclarationError, RotationRefused
from trunkline.manifest import variables
from trunkline.rotation import Rotation
from trunkline.rotation.program import CURRENT, PENDING, PREVIOUS, Described, RotationProgram
from trunkline.settings import Secret
from trunkline.testing import ServiceHarness
from trunkline.testing.aws.rotating import STEPS
from trunkline.testing.deadline import far_away

NAME = "trunkline/test/vault/door"


class Crash(Exception):
    """The function's process ends here."""


class Fuse:
    """Ends the process at one of its calls, before or after the call had its effect."""

    def __init__(self) -> None:
        self.calls: int | None = None

    def burn(self) -> None:
        """One more moment at which the process may end."""
        if self.calls is not None:
            self.calls -= 1
            if self.calls < 0:
                self.calls = None
                raise Crash


class MemoryVersions:
    """Secrets Manager's versions, in memory."""

    def __init__(self, fuse: Fuse) -> None:
        self.fuse = fuse
        self.rotating = True
        self.stages: dict[str, set[str]] = {"first": {CURRENT}}
        self.values: dict[str, str] = {"first": "key-first"}

    def describe(self, secret: str) -> Described:
        self.fuse.burn()
        stages = {version: frozenset(held) for version, held in self.stages.items() if held}
        return Described(secret, self.rotating, stages)

    def value(self, secret: str, version: str) -> str | None:
        self.fuse.burn()
        return self.values.get(version)

    def put_pending(self, secret: str, version: str, value: str) -> None:
        self.fuse.burn()
        self.values.setdefault(version, value)
        self.fuse.burn()

    def make_current(self, secret: str, version: str, *, instead_of: str) -> None:
        self.fuse.burn()
        assert CURRENT in self.stages[instead_of]
        for held in self.stages.values():
            held -= {CURRENT, PREVIOUS}
        self.stages[instead_of].add(PREVIOUS)
        self.stages[version].add(CURRENT)
        self.fuse.burn()

    def begin(self, token: str) -> None:
        """What Secrets Manager does before it calls the function."""
        for held in self.stages.values():
            held.discard(PENDING)
        self.stages[token] = {PENDING}

    def current(self) -> str:
        """The value in use."""
        (version,) = (version for version, held in self.stages.items() if CURRENT in held)
        return self.values[version]


class Door:
    """Opens to the keys that it has issued and not revoked."""

    def __init__(self, fuse: Fuse) -> None:
        self.fuse = fuse
        self.good = {"key-first"}
        self.issued: dict[str, str] = {}

    def issue(self, key: str, token: str) -> str:
        self.fuse.burn()
        assert key in self.good
        fresh = self.issued.setdefault(token, f"key-{token}")
        self.good.add(fresh)
        self.fuse.burn()
        return fresh

    def revoke_others(self, key: str) -> None:
        self.fuse.burn()
        assert key in self.good
        self.good = {key}
        self.fuse.burn()


def program(door: Door, versions: MemoryVersions) -> RotationProgram:
    """A rotation of the door's key."""

    class DoorKey(Rotation[SecretStr]):
        def create(self, current: SecretStr, token: str) -> SecretStr:
            return SecretStr(door.issue(current.get_secret_value(), token))

        def test(self, value: SecretStr) -> None:
            assert value.get_secret_value() in door.good

        def finish(self, current: SecretStr, previous: SecretStr) -> None:
            assert current != previous
            door.revoke_others(current.get_secret_value())

    secret = Secret[SecretStr]("door", "Of the vault")
    handler = RotationHandler(
        call=DoorKey, declared=(), secret=secret, schedule="rate(1 day)", timeout=30
    )
    return RotationProgram("vault", handler, versions)


def event(step: str, token: str) -> Mapping[str, Any]:
    """What Secrets Manager sends."""
    return {"Step": step, "SecretId": NAME, "ClientRequestToken": token}


class RotationMachine(RuleBasedStateMachine):
    """Rotations whose steps come in any order, twice, late, and end anywhere."""

    @initialize()
    def install(self) -> None:
        os.environ[variables.secret("door")] = NAME
        self.fuse = Fuse()
        self.versions = MemoryVersions(self.fuse)
        self.door = Door(self.fuse)
        self.tokens: list[str] = []

    @rule()
    def begin(self) -> None:
        """Secrets Manager begins a rotation, unless one is under way."""
        pending = [v for v, held in self.versions.stages.items() if PENDING in held]
        if any(CURRENT not in self.versions.stages[version] for version in pending):
            return
        self.tokens.append(f"token-{len(self.tokens)}")
        self.versions.begin(self.tokens[-1])

    @precondition(lambda self: self.tokens)
    @rule(
        step=st.sampled_from(STEPS),
        which=st.integers(min_value=0, max_value=1),
        crash=st.none() | st.integers(min_value=0, max_value=9),
    )
    def step(self, step: str, which: int, crash: int | None) -> None:
        """A step of this rotation, or of the one before, runs once more."""
        token = self.tokens[-1 - which % len(self.tokens)]
        self.fuse.calls = crash
        try:
            program(self.door, self.versions).handle(event(step, token), far_away())
        except (Crash, RotationRefused):
            pass
        finally:
            self.fuse.calls = None

    @precondition(lambda self: self.tokens)
    @rule()
    def complete(self) -> None:
        """Secrets Manager repeats a rotation until it has been through."""
        token = self.tokens[-1]
        for step in STEPS:
            program(self.door, self.versions).handle(event(step, token), far_away())
        assert self.versions.current() == f"key-{token}"
        assert self.door.good == {f"key-{token}"}, "old keys are still good"

    @invariant()
    def the_current_value_works(self) -> None:
        """Whatever happened: there is one current version, it has a value, and that is good."""
        if hasattr(self, "versions"):
            assert self.versions.current() in self.door.good

    def teardown(self) -> None:
        os.environ.pop(variables.secret("door"), None)


TestRotation = RotationMachine.TestCase
TestRotation.settings = settings(stateful_step_count=15)


@pytest.fixture
def versions(monkeypatch: pytest.MonkeyPatch) -> MemoryVersions:
    """A secret with a first value and a rotation that has begun."""
    monkeypatch.setenv(variables.secret("door"), NAME)
    versions = MemoryVersions(Fuse())
    versions.begin("token-1")
    return versions


def refused(versions: MemoryVersions, step: str, token: str = "token-1") -> str:  # noqa: S107 - no password
    """Why a step is refused; nothing may have changed."""
    door = Door(Fuse())
    before = (dict(versions.values), {v: set(held) for v, held in versions.stages.items()})
    with pytest.raises(RotationRefused) as caught:
        program(door, versions).handle(event(step, token), far_away())
    assert (versions.values, versions.stages) == before
    return str(caught.value)


def test_an_unknown_token_is_refused(versions: MemoryVersions) -> None:
    """Only a version that Secrets Manager has made can be rotated to."""
    for step in STEPS:
        assert "'token-9' is neither pending nor current" in refused(versions, step, "token-9")


def test_a_version_that_was_replaced_is_refused(versions: MemoryVersions) -> None:
    """A late repeat of an old rotation does not bring its value back."""
    for token in ("token-1", "token-2"):
        versions.begin(token)
        versions.values[token] = token
        current = next(v for v, held in versions.stages.items() if CURRENT in held)
        versions.make_current(NAME, token, instead_of=current)
    assert "neither pending nor current" in refused(versions, "finishSecret", "token-1")


def test_a_rotation_that_is_switched_off_is_refused(versions: MemoryVersions) -> None:
    """CancelRotateSecret holds also for a step that was on its way."""
    versions.rotating = False
    assert "switched off" in refused(versions, "createSecret")


def test_another_secret_is_refused(
    versions: MemoryVersions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The function rotates the secret that it was declared for."""
    monkeypatch.setenv(variables.secret("door"), "trunkline/test/vault/window")
    assert f"asked to rotate {NAME}" in refused(versions, "createSecret")


def test_an_unknown_step_is_refused(versions: MemoryVersions) -> None:
    """The four steps are all there are."""
    assert "'undoSecret' is none of createSecret" in refused(versions, "undoSecret")


def test_a_secret_without_a_value_is_not_rotated(versions: MemoryVersions) -> None:
    """Terraform makes it empty; the first value is written by people."""
    versions.values.clear()
    versions.stages = {"token-1": {PENDING}}
    assert "no value yet" in refused(versions, "createSecret")


@pytest.mark.parametrize("step", ["setSecret", "finishSecret"])
def test_a_step_before_its_time_is_refused(versions: MemoryVersions, step: str) -> None:
    """A version without a value never becomes current."""
    assert "create it" in refused(versions, step)


def test_a_value_that_does_not_change_is_refused(versions: MemoryVersions) -> None:
    """To retire the previous value would be to retire the current one."""
    versions.values["first"] = "key-token-1"
    door = Door(Fuse())
    door.good = {"key-token-1"}
    with pytest.raises(RotationRefused, match="the new value is the current one"):
        program(door, versions).handle(event("createSecret", "token-1"), far_away())


@pytest.mark.parametrize("has_value", [True, False])
def test_the_trial_run_tests_what_there_is(versions: MemoryVersions, has_value: bool) -> None:
    """Without a pending value the current one is tested; without any, nothing."""
    door = Door(Fuse())
    if not has_value:
        versions.values.clear()
    program(door, versions).handle(event("testSecret", "token-1"), far_away())
    door.good.clear()
    if has_value:
        with pytest.raises(AssertionError):
            program(door, versions).handle(event("testSecret", "token-1"), far_away())


class Half(Rotation[SecretStr]):
    """Lacks a method."""

    def create(self, current: SecretStr, token: str) -> SecretStr:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("declare", "why"),
    [
        pytest.param(lambda s, own: s.rotates(own)(Half), "'Half' lacks test", id="abstract"),
        pytest.param(
            lambda s, _: s.rotates(Secret("door", "d"))(Half), "not its own", id="stranger"
        ),
    ],
)
def test_a_wrong_rotation_is_refused_at_once(declare: Any, why: str) -> None:
    """It is found while the module is imported."""
    service = Service("vault", entry="x:x")
    own = service.secret("door", description="d")
    with pytest.raises(DeclarationError, match=why):
        declare(service, own)


service = Service("vault", entry="nowhere:service")
door_key = service.secret("door", description="Of the vault")


@service.rotates(door_key, schedule="rate(4 hours)")
class DoorKey(Rotation[SecretStr]):
    """Makes keys longer."""

    def create(self, current: SecretStr, token: str) -> SecretStr:
        return SecretStr(current.get_secret_value() + "+")

    def test(self, value: SecretStr) -> None:
        assert value.get_secret_value().endswith("+")


def test_the_manifest_names_function_need_and_schedule() -> None:
    """The rotation has a function, and so a role, of its own."""
    manifest = service.manifest()
    assert manifest.secrets[0].rotation == "rate(4 hours)"
    function = manifest.function("rotate-door")
    assert (function.trigger, function.handler) == ("rotation", "trunkline.entrypoints.rotation")
    assert [need.kind for need in function.needs] == ["rotate"]


def test_a_rotation_in_secrets_manager() -> None:
    """The adapter does what the reference does: labels move, and repeats change nothing."""
    with ServiceHarness(service) as harness:
        harness.set_secret("door", "key")
        token = harness.rotate("door")
        assert door_key.value() == SecretStr("key+")
        harness.rotate("door", token=token)
        assert door_key.refresh() == SecretStr("key+")
        harness.rotate("door")
        assert door_key.refresh() == SecretStr("key++")
