"""An AWS on this machine that checks every signature and every policy."""

from trunkline_localcloud.cloud import LocalCloud
from trunkline_localcloud.control_client import ControlClient
from trunkline_localcloud.errors import (
    CloudNotReady,
    CloudNotRunning,
    ControlApiError,
    GapMoved,
    InvalidFaultRule,
    LocalCloudError,
    NoCapacity,
    PortInUse,
    StateInUse,
)
from trunkline_localcloud.settings import CloudSettings

__all__ = [
    "CloudNotReady",
    "CloudNotRunning",
    "CloudSettings",
    "ControlApiError",
    "ControlClient",
    "GapMoved",
    "InvalidFaultRule",
    "LocalCloud",
    "LocalCloudError",
    "NoCapacity",
    "PortInUse",
    "StateInUse",
]
