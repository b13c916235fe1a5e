"""Secrets Manager's rotation protocol, so that a rotation can be cut off and repeated anywhere.

A version of a secret bears staging labels. ``AWSCURRENT`` is what the service uses; ``AWSPENDING``
is what a rotation prepares, and the version's id is the rotation's ``ClientRequestToken``;
``AWSPREVIOUS`` follows ``AWSCURRENT`` by itself when that moves. A rotation is four calls of the
function: ``createSecret`` puts the pending value, ``setSecret`` and ``testSecret`` make sure of it,
``finishSecret`` moves ``AWSCURRENT``, in one call of Secrets Manager, and only then retires the
previous value. So at every moment the current version has a value that works.
https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from trunkline import environment
from trunkline.declaration.handlers import RotationHandler
from trunkline.errors import RotationRefused
from trunkline.invocation import Invocation, running
from trunkline.manifest import variables
from trunkline.telemetry import metrics, tracing

logger = logging.getLogger(__name__)

CURRENT, PENDING, PREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"


@dataclass(frozen=True)
class Described:
    """A secret's versions, without their values."""

    name: str
    rotating: bool
    """Whether rotation is switched on."""
    stages: Mapping[str, frozenset[str]]
    """The staging labels by the version's id."""

    def version(self, stage: str) -> str | None:
        """The version with that label."""
        return next((version for version, held in self.stages.items() if stage in held), None)


class Versions(Protocol):
    """Where the versions of secrets are."""

    def describe(self, secret: str) -> Described:
        """The labels of a secret's versions."""
        ...

    def value(self, secret: str, version: str) -> str | None:
        """A version's value; ``None`` if none was put yet."""
        ...

    def put_pending(self, secret: str, version: str, value: str) -> None:
        """Give a version its value, and the label ``AWSPENDING``; a value stays as it is."""
        ...

    def make_current(self, secret: str, version: str, *, instead_of: str) -> None:
        """Move ``AWSCURRENT`` from one version to another, at once."""
        ...


class RotationProgram:
    """Rotates one secret."""

    def __init__(self, service: str, handler: RotationHandler, versions: Versions) -> None:
        self._service = service
        self._handler = handler
        self._secret = handler.secret
        self._versions = versions
        self._rotation = handler.call()
        self._meter = metrics.Meter(service, handler.function)

    def handle(self, event: Mapping[str, Any], deadline: float) -> None:
        """Do one step; done before, it does nothing.

        Args:
            event: Secrets Manager's: ``Step``, ``SecretId``, ``ClientRequestToken``.
            deadline: when Lambda ends the invocation, on the monotonic clock.

        Raises:
            RotationRefused: the step makes no sense; nothing was touched.
        """
        step, secret, token = (
            str(event.get(name, "")) for name in ("Step", "SecretId", "ClientRequestToken")
        )
        steps = {
            "createSecret": self._create,
            "setSecret": self._set,
            "testSecret": self._test,
            "finishSecret": self._finish,
        }
        handler = self._handler
        invocation = Invocation(
            self._service, handler.function, handler.name, deadline, handler.uses, token
        )
        with (
            self._meter.request(),
            running(invocation),
            tracing.span(f"rotate {self._secret.name} {step}"),
        ):
            if step not in steps:
                raise RotationRefused(self._secret.name, f"{step!r} is none of {', '.join(steps)}")
            described = self._described(secret, token)
            if CURRENT in described.stages[token] and step != "finishSecret":
                logger.info("%s: the version is current already", step)
                return
            steps[step](secret, token, described)

    def _described(self, secret: str, token: str) -> Described:
        described = self._versions.describe(secret)
        if described.name != environment.required(variables.secret(self._secret.name)):
            raise RotationRefused(self._secret.name, f"it is asked to rotate {described.name}")
        if not described.rotating:
            raise RotationRefused(self._secret.name, "rotation is switched off")
        if not described.stages.get(token, frozenset()) & {CURRENT, PENDING}:
            raise RotationRefused(
                self._secret.name, f"version {token!r} is neither pending nor current"
            )
        return described

    def _create(self, secret: str, token: str, described: Described) -> None:
        if self._versions.value(secret, token) is not None:
            return
        current = self._current(secret, described)
        value = self._secret.stored(self._rotation.create(self._secret.typed(current), token))
        if value == current:
            # Retiring the previous value in the end would retire the current one.
            raise RotationRefused(self._secret.name, "the new value is the current one")
        self._versions.put_pending(secret, token, value)

    def _set(self, secret: str, token: str, described: Described) -> None:
        pending = self._pending(secret, token)
        current = self._current(secret, described)
        self._rotation.set(self._secret.typed(pending), self._secret.typed(current))

    def _test(self, secret: str, token: str, described: Described) -> None:
        """With a pending version that has no value, this is Secrets Manager's trial run.

        It makes one when rotation is set up without rotating at once (``RotateImmediately``):
        https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
        """
        value = self._versions.value(secret, token)
        if value is None:
            current = described.version(CURRENT)
            value = None if current is None else self._versions.value(secret, current)
        if value is None:
            logger.info("the secret has no value yet: there is nothing to test")
            return
        self._rotation.test(self._secret.typed(value))

    def _finish(self, secret: str, token: str, described: Described) -> None:
        value = self._pending(secret, token)
        current = described.version(CURRENT)
        if current is None:
            raise RotationRefused(self._secret.name, "it has no current version")
        if current != token:
            self._versions.make_current(secret, token, instead_of=current)
            described = self._versions.describe(secret)
        if described.version(PENDING) not in (None, token):
            logger.info("the next rotation has begun; it retires what is left")
            return
        retired = described.version(PREVIOUS)
        previous = None if retired is None else self._versions.value(secret, retired)
        if previous is not None and previous != value:
            self._rotation.finish(self._secret.typed(value), self._secret.typed(previous))
        logger.info("rotated", extra={"secret": self._secret.name, "version": token})

    def _pending(self, secret: str, token: str) -> str:
        value = self._versions.value(secret, token)
        if value is None:
            raise RotationRefused(self._secret.name, "the new version has no value: create it")
        return value

    def _current(self, secret: str, described: Described) -> str:
        current = described.version(CURRENT)
        value = None if current is None else self._versions.value(secret, current)
        if value is None:
            raise RotationRefused(
                self._secret.name, "it has no value yet; write the first one by hand"
            )
        return value
