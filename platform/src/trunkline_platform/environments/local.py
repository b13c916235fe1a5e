"""The platform on one machine, on the local cloud."""

from __future__ import annotations

from trunkline_platform.settings import (
    AlarmSettings,
    EnvironmentSettings,
    LocalState,
    NetworkSettings,
)

__all__ = ["SETTINGS"]

SETTINGS = EnvironmentSettings(
    name="local",
    account_id="000000000000",
    region="eu-central-1",
    owner="developer",
    state=LocalState(directory="../../../.trunkline/local/terraform"),
    network=NetworkSettings(cidr="10.10.0.0/16"),
    emulated=True,
    keep_data=False,
    log_retention_days=7,
    artifact_expiry_days=None,
    payload_expiry_days=None,
    password_sign_in=True,
    queue_visibility_factor=1,
    alarms=AlarmSettings(queue_age_seconds=60),
)
