"""Any environment by its name: the one on this machine or one in AWS."""

from __future__ import annotations

from collections.abc import Callable

from trunkline_devtools.deploy import Deployment, cloud_deployment
from trunkline_devtools.environments import environment_settings
from trunkline_devtools.local import LocalPlatform, local_deployment
from trunkline_devtools.workspace import LOCAL, Workspace

__all__ = ["deployment_of"]


def deployment_of(workspace: Workspace, environment: str, say: Callable[[str], None]) -> Deployment:
    """The environment of that name.

    Raises:
        UnknownEnvironment: there is none.
        NothingRuns: it is ``local`` and does not run.
    """
    environment_settings(environment)
    if environment != LOCAL:
        return cloud_deployment(workspace, environment, say)
    platform = LocalPlatform(workspace)
    return local_deployment(platform, platform.running().aws, say)
