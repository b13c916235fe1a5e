"""``plan``: what an apply of an environment would change."""

from __future__ import annotations

import argparse

from trunkline_devtools.deploy import plan_roots
from trunkline_devtools.deployments import deployment_of
from trunkline_devtools.progress import Reporter, RootsProgress
from trunkline_devtools.workspace import Workspace

__all__ = ["configure", "run"]

CHANGES = 2
"""Exit code when something would change, as Terraform's own ``-detailed-exitcode``."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("environment", metavar="ENV", help="for example dev, or local")


def run(options: argparse.Namespace) -> int:
    """Plan every root."""
    reporter = Reporter.for_person()
    deployment = deployment_of(Workspace.find(), options.environment, reporter.say)
    deployment.write_variables()
    with RootsProgress(reporter, [root.name for root in deployment.roots]) as progress:
        plans = plan_roots(deployment, progress)
    total = sum(plan.total for plan in plans.values())
    reporter.say(f"{total} resources to change" if total else "no changes")
    return CHANGES if total else 0
