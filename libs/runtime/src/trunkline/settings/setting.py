"""Settings: values that differ per environment and are no secret."""

from __future__ import annotations

from dataclasses import dataclass

from trunkline import environment
from trunkline.errors import EnvironmentIncomplete
from trunkline.invocation import Uses, require_setting
from trunkline.manifest import variables


@dataclass(frozen=True)
class Setting:
    """A value that the platform gives a function. Made by :meth:`trunkline.Service.setting`."""

    name: str
    description: str
    default: str | None = None

    def granted(self) -> Uses:
        """What a handler with this setting may use."""
        return Uses(settings=frozenset({self.name}))

    def value(self) -> str:
        """The value in this environment, else the default.

        Raises:
            EnvironmentIncomplete: there is neither.
            UndeclaredUse: the running handler did not declare the setting.
        """
        require_setting(self.name)
        variable = variables.setting(self.name)
        found = environment.optional(variable)
        if found is not None:
            return found
        if self.default is None:
            raise EnvironmentIncomplete(variable)
        return self.default
