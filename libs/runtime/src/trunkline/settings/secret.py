"""Secrets: values that only Secrets Manager and the running function know."""

from __future__ import annotations

import time
from collections.abc import Callable

from trunkline import environment
from trunkline.invocation import Uses, require
from trunkline.manifest import variables
from trunkline.manifest.model import SecretNeed

TTL_SECONDS = 300.0
"""How long a value is used before it is fetched again."""


class Secret:
    """A secret of one service. Made by :meth:`trunkline.Service.secret`."""

    def __init__(
        self, name: str, description: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self.description = description
        self.need = SecretNeed(secret=name)
        self._clock = clock
        self._cached: tuple[str, str, float] | None = None

    def __repr__(self) -> str:
        return f"Secret({self.name!r})"

    def granted(self) -> Uses:
        """What a handler with this secret may use."""
        return Uses(needs=frozenset({self.need}))

    def value(self) -> str:
        """The secret's current value, at most :data:`TTL_SECONDS` old.

        Raises:
            UndeclaredUse: the running handler did not declare the secret.
            EnvironmentIncomplete: the platform did not say where the secret is.
            Unavailable: Secrets Manager has no value, or does not answer.
        """
        require(self.need)
        physical = environment.required(variables.secret(self.name))
        cached = self._cached
        if cached is not None and cached[0] == physical and self._clock() < cached[2]:
            return cached[1]
        return self._fetch(physical)

    def refresh(self) -> str:
        """Fetch the value at once: call this when the value was refused, as after a rotation."""
        require(self.need)
        return self._fetch(environment.required(variables.secret(self.name)))

    def forget(self) -> None:
        """Drop the cached value."""
        self._cached = None

    def _fetch(self, physical: str) -> str:
        from trunkline.settings.aws import secret_value  # boto3 is imported on first use only

        value = secret_value(physical)
        self._cached = (physical, value, self._clock() + TTL_SECONDS)
        return value
