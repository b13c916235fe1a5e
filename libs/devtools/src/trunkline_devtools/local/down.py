"""Stopping the platform on this machine, destroying what Terraform made, forgetting it."""

from __future__ import annotations

from trunkline_devtools.aws import Parameters, leftovers
from trunkline_devtools.deploy import destroy_roots
from trunkline_devtools.errors import DevtoolsError
from trunkline_devtools.local.cloud import attach, aws_of, start
from trunkline_devtools.local.deployment import local_deployment
from trunkline_devtools.local.platform import LocalPlatform
from trunkline_devtools.local.up import shut_down
from trunkline_devtools.progress import Reporter, RootsProgress
from trunkline_devtools.workspace import LOCAL, Workspace

__all__ = ["take_down"]


def take_down(workspace: Workspace, reporter: Reporter, *, reset: bool, destroy: bool) -> None:
    """Stop everything.

    Args:
        workspace: The clone.
        reporter: Shows what happens.
        reset: Forget the state afterwards.
        destroy: Let Terraform destroy everything first, and make sure that nothing is left.

    Raises:
        DevtoolsError: something could not be destroyed; the cloud is stopped nevertheless.
    """
    platform = LocalPlatform(workspace)
    try:
        if destroy:
            with reporter.phase("terraform destroy"):
                _destroy(platform, reporter)
    finally:
        stopped = shut_down(platform)
    if reset:
        platform.forget()
    what = "stopped" if stopped else "nothing was running"
    kept = "its state is forgotten" if reset else "its state is kept"
    reporter.say(f"{what}; {kept}")


def _destroy(platform: LocalPlatform, reporter: Reporter) -> None:
    workspace = platform.workspace
    record = platform.record.read()
    if record is None:
        reporter.say("  nothing has been applied")
        return
    cloud = attach(workspace.cloud) or start(workspace.cloud, record.port, platform.settings)
    aws = aws_of(cloud)
    deployment = local_deployment(platform, aws, reporter.say)
    with RootsProgress(reporter, [root.name for root in platform.roots]) as progress:
        count = destroy_roots(deployment, progress)
    Parameters(aws, LOCAL).forget_generation()
    left = leftovers(aws, LOCAL)
    if left:
        raise DevtoolsError(f"{len(left)} resources are left: {', '.join(left)}")
    workspace.platform_file.unlink()
    reporter.say(f"  {count} resources destroyed, none left")
