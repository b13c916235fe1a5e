"""``apply``: an environment's roots in order."""

from __future__ import annotations

import argparse

from trunkline_devtools.deploy import RootsApply
from trunkline_devtools.deployments import deployment_of
from trunkline_devtools.progress import Reporter, RootsProgress
from trunkline_devtools.workspace import Workspace

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("environment", metavar="ENV", help="for example dev, or local")


def run(options: argparse.Namespace) -> None:
    """Apply every root, each after those that it depends on."""
    reporter = Reporter.for_person()
    deployment = deployment_of(Workspace.find(), options.environment, reporter.say)
    with RootsProgress(reporter, [root.name for root in deployment.roots]) as progress:
        applied = RootsApply(deployment).run(progress, {})
    total = sum(summary.total for summary in applied.roots.values())
    reporter.say(f"{len(applied.roots)} roots applied, {total} resources changed")
