"""``plan``: what an apply of an environment would change."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from trunkline_devtools.deploy import plan_roots
from trunkline_devtools.deployments import deployment_of
from trunkline_devtools.output import print_json
from trunkline_devtools.progress import Reporter, RootsProgress
from trunkline_devtools.workspace import Workspace

__all__ = ["configure", "run"]

CHANGES = 2
"""Exit code when something would change, as Terraform's own ``-detailed-exitcode``."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("environment", metavar="ENV", help="for example dev, or local")
    parser.add_argument("--json", action="store_true", help="one JSON document")


def run(options: argparse.Namespace) -> int:
    """Plan every root."""
    reporter = Reporter.for_person(json=options.json)
    deployment = deployment_of(Workspace.find(), options.environment, reporter.say)
    deployment.write_variables()
    with RootsProgress(reporter, [root.name for root in deployment.roots]) as progress:
        plans = plan_roots(deployment, progress)
    total = sum(plan.total for plan in plans.values())
    if options.json:
        print_json({root: {**asdict(plan), "total": plan.total} for root, plan in plans.items()})
    else:
        reporter.say(f"{total} resources to change" if total else "no changes")
    return CHANGES if total else 0
