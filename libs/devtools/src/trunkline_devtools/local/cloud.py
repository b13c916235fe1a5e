"""The local cloud as the tools start, find and reach it."""

from __future__ import annotations

from pathlib import Path

from trunkline_devtools.aws import Aws, Credentials
from trunkline_devtools.errors import DevtoolsError, NothingRuns, PortTaken
from trunkline_localcloud import (
    CloudNotRunning,
    CloudSettings,
    LocalCloud,
    LocalCloudError,
    PortInUse,
)
from trunkline_platform.environments import EnvironmentSettings

__all__ = ["attach", "aws_of", "running", "start"]

_START_TIMEOUT_SECONDS = 60.0


def attach(state: Path) -> LocalCloud | None:
    """The cloud that runs on a state directory, or None."""
    try:
        return LocalCloud.attach(state)
    except CloudNotRunning:
        return None


def running(state: Path) -> LocalCloud:
    """The cloud that runs on a state directory.

    Raises:
        NothingRuns: none does.
    """
    cloud = attach(state)
    if cloud is None:
        raise NothingRuns
    return cloud


def start(
    state: Path, port: int, settings: EnvironmentSettings, *, kept: bool = False
) -> LocalCloud:
    """Start the cloud, with what its state directory remembers.

    Args:
        state: The state directory.
        port: The port to listen on; 0 takes a free one.
        settings: The environment's settings.
        kept: Whether the state was made on this very port.

    Raises:
        PortTaken: another process listens on the port.
        DevtoolsError: it did not start.
    """
    try:
        return LocalCloud.start(
            CloudSettings(
                state_dir=state,
                port=port,
                region=settings.region,
                account_id=settings.account_id,
            ),
            timeout=_START_TIMEOUT_SECONDS,
        )
    except PortInUse as error:
        raise PortTaken(port, kept=kept) from error
    except LocalCloudError as error:
        raise DevtoolsError(str(error)) from error


def aws_of(cloud: LocalCloud) -> Aws:
    """Clients of the cloud as its administrator."""
    return Aws(
        cloud.region,
        endpoint=cloud.endpoint,
        credentials=Credentials(cloud.admin_access_key, cloud.admin_secret_key),
    )
