"""Finding an environment's settings by its name."""

from __future__ import annotations

from trunkline_platform.environments import dev, local
from trunkline_platform.errors import UnknownEnvironment
from trunkline_platform.settings import EnvironmentSettings

__all__ = ["environment_names", "load_environment"]

_ENVIRONMENTS = {settings.name: settings for settings in (local.SETTINGS, dev.SETTINGS)}


def environment_names() -> tuple[str, ...]:
    """The names of all environments."""
    return tuple(_ENVIRONMENTS)


def load_environment(name: str) -> EnvironmentSettings:
    """The settings of one environment.

    Raises:
        UnknownEnvironment: there is none of that name; the error lists those there are.
    """
    try:
        return _ENVIRONMENTS[name]
    except KeyError:
        raise UnknownEnvironment(name, _ENVIRONMENTS) from None
