"""The shared environment in AWS that every merge reaches first.

The account number is AWS's documentation account; replace it with your own.
"""

from __future__ import annotations

from trunkline_platform.settings import EnvironmentSettings, NetworkSettings, RemoteState

__all__ = ["SETTINGS"]

_ACCOUNT = "111122223333"

SETTINGS = EnvironmentSettings(
    name="dev",
    account_id=_ACCOUNT,
    region="eu-central-1",
    owner="platform-team",
    state=RemoteState(bucket=f"trunkline-dev-terraform-state-{_ACCOUNT}"),
    network=NetworkSettings(cidr="10.20.0.0/16", endpoint_zones=1),
    log_retention_days=30,
)
