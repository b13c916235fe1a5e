"""Settings: values that differ per environment and are no secret."""

from __future__ import annotations

import logging
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from trunkline import clock, environment
from trunkline.errors import (
    DeclarationError,
    EnvironmentIncomplete,
    InvalidSetting,
    TrunklineError,
)
from trunkline.invocation import Uses, require, require_setting
from trunkline.manifest import variables
from trunkline.manifest.model import SettingNeed
from trunkline.settings.typed import Text, problems_of

T = TypeVar("T")

LIVE_TTL_SECONDS = 60.0
"""How old the value of a live setting may be. GetParameter allows 40 calls a second for an account
and region by default (https://docs.aws.amazon.com/general/latest/gr/ssm.html), which is enough for
2,400 function processes."""
RETRY_SECONDS = 5.0
"""How long the last good value of a live setting is used before Parameter Store is asked again
after it failed."""

logger = logging.getLogger(__name__)


class Setting(Generic[T]):
    """A value that the platform gives a function. Made by :meth:`trunkline.Service.setting`."""

    def __init__(
        self, name: str, description: str, kind: Any = str, default: T | None = None
    ) -> None:
        self.name = name
        self.description = description
        self.text: Text[T] = Text(kind)
        """How the value is written."""
        self.default = default
        self._read: tuple[str, T] | None = None

    live = False
    """Whether the value may change while a function runs."""

    def __repr__(self) -> str:
        return f"Setting({self.name!r})"

    def granted(self) -> Uses:
        """What a handler with this setting may use."""
        return Uses(settings=frozenset({self.name}))

    def value(self) -> T:
        """The value in this environment, else the default.

        Raises:
            EnvironmentIncomplete: there is neither.
            InvalidSetting: it is not of the declared type; found at the first use.
            UndeclaredUse: the running handler did not declare the setting.
        """
        require_setting(self.name)
        variable = variables.setting(self.name)
        found = environment.optional(variable)
        if found is not None:
            return self.typed(found)
        if self.default is None:
            raise EnvironmentIncomplete(variable)
        return self.default

    def typed(self, text: str) -> T:
        """A text as a value of the declared type; the same text is validated once.

        Raises:
            InvalidSetting: it is not of that type.
        """
        if self._read is None or self._read[0] != text:
            try:
                self._read = (text, self.text.read(text))
            except ValidationError as error:
                raise InvalidSetting(self.name, text, problems_of(error)) from None
        return self._read[1]

    def default_text(self) -> str | None:
        """The default as the manifest holds it.

        Raises:
            DeclarationError: the default is not of the declared type.
        """
        if self.default is None:
            return None
        text = self.text.write(self.default)
        try:
            self.typed(text)
        except InvalidSetting as error:
            raise DeclarationError(f"a default does not fit: {error}") from None
        return text


class LiveSetting(Setting[T]):
    """A setting that operators change without a release: an SSM parameter.

    A value is at most :data:`LIVE_TTL_SECONDS` old. While Parameter Store does not answer, or holds
    a value that does not fit the type, the last good value is used and an error is logged.
    """

    live = True

    def __init__(self, name: str, description: str, kind: Any, default: T) -> None:
        super().__init__(name, description, kind, default)
        self.need = SettingNeed(setting=name)
        self._cached: tuple[str, T, float] | None = None

    def granted(self) -> Uses:
        """What a handler with this setting may use."""
        return Uses(needs=frozenset({self.need}))

    def value(self) -> T:
        """The value as operators have set it; the default is what the parameter begins with.

        Raises:
            InvalidSetting: it is not of the declared type, and there was no good one before.
            Unavailable: Parameter Store does not answer, and there was no value before. The default
                is not used then: an operator may have set another value for a reason.
            EnvironmentIncomplete: the platform did not say where the parameter is.
            UndeclaredUse: the running handler did not declare the setting.
        """
        require(self.need)
        parameter = environment.required(variables.live_setting(self.name))
        cached = self._cached
        if cached is None or cached[0] != parameter:
            return self._remember(parameter, self._fetch(parameter), LIVE_TTL_SECONDS)
        if clock.monotonic() < cached[2]:
            return cached[1]
        try:
            return self._remember(parameter, self._fetch(parameter), LIVE_TTL_SECONDS)
        except TrunklineError:
            logger.exception("live setting %s keeps its last good value", self.name)
            return self._remember(parameter, cached[1], RETRY_SECONDS)

    def forget(self) -> None:
        """Drop the cached value."""
        self._cached = None

    def _fetch(self, parameter: str) -> T:
        from trunkline.settings.aws import parameter_value  # botocore is imported on first use only

        return self.typed(parameter_value(parameter))

    def _remember(self, parameter: str, value: T, seconds: float) -> T:
        self._cached = (parameter, value, clock.monotonic() + seconds)
        return value
