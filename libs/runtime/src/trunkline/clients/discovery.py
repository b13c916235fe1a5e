"""Where other services' private APIs are: from SSM, remembered for a while."""

from __future__ import annotations

import threading

from trunkline import clock, environment
from trunkline.manifest import variables
from trunkline.settings.aws import parameter_value

TTL_SECONDS = 300.0

_found: dict[str, tuple[str, float]] = {}
_lock = threading.Lock()


def base_url(service: str) -> str:
    """The address of a service's API, without a slash at its end.

    Raises:
        EnvironmentIncomplete: the platform does not say where the address is kept.
        Unavailable: it cannot be read.
    """
    parameter = environment.required(variables.api(service))
    with _lock:
        found = _found.get(parameter)
    if found is not None and clock.monotonic() < found[1]:
        return found[0]
    url = parameter_value(parameter).rstrip("/")
    with _lock:
        _found[parameter] = (url, clock.monotonic() + TTL_SECONDS)
    return url


def forget(service: str) -> None:
    """Look the address up anew next time, as after an answer that may be a stranger's."""
    parameter = environment.optional(variables.api(service))
    with _lock:
        _found.pop(parameter or "", None)


def reset() -> None:
    """Forget all addresses."""
    with _lock:
        _found.clear()
