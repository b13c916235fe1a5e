"""How botocore's clients wait and retry."""

from __future__ import annotations

from botocore.config import Config

_USUAL = Config(
    connect_timeout=1,
    read_timeout=4,  # below every function's timeout, so that a hanging call ends as an error
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=10,
)
_QUICK = _USUAL.merge(Config(read_timeout=1, retries={"mode": "standard", "total_max_attempts": 2}))
_BY_SERVICE = {"ssm": _QUICK}
"""Parameters are looked up while a request waits, and what was read before still serves: better no
answer soon than one too late."""


def config_of(service: str) -> Config:
    """The configuration of a service's client."""
    return _BY_SERVICE.get(service, _USUAL)
