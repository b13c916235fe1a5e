"""``down``: stop the platform on this machine."""

from __future__ import annotations

import argparse

from trunkline_devtools.local import take_down
from trunkline_devtools.progress import Reporter
from trunkline_devtools.workspace import Workspace

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--reset", action="store_true", help="forget the state")
    parser.add_argument(
        "--destroy",
        action="store_true",
        help="first destroy every root with Terraform and make sure that nothing is left",
    )


def run(options: argparse.Namespace) -> None:
    """Stop it."""
    reporter = Reporter.for_person()
    take_down(Workspace.find(), reporter, reset=options.reset, destroy=options.destroy)
