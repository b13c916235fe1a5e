"""What the platform tells a running function, read at the moment of use."""

from __future__ import annotations

import os

from trunkline.errors import EnvironmentIncomplete


def required(variable: str) -> str:
    """The value of a variable.

    Raises:
        EnvironmentIncomplete: it is not set.
    """
    value = os.environ.get(variable)
    if value is None:
        raise EnvironmentIncomplete(variable)
    return value


def optional(variable: str) -> str | None:
    """The value of a variable, or ``None``."""
    return os.environ.get(variable)
