"""``status``: what runs and how to reach it."""

from __future__ import annotations

import argparse

from trunkline_devtools.local import facts, table
from trunkline_devtools.output import print_json
from trunkline_devtools.progress import Reporter
from trunkline_devtools.workspace import Workspace

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="one JSON document, tokens included")


def run(options: argparse.Namespace) -> None:
    """Print it."""
    known = facts(Workspace.find())
    if options.json:
        print_json(known)
    else:
        Reporter.for_person().show(table(known))
