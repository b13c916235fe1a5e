"""``order``: place an order and follow it to its e-mail."""

from __future__ import annotations

import argparse

from trunkline_devtools.local import LocalPlatform, order_as_json, run_order
from trunkline_devtools.output import print_json
from trunkline_devtools.progress import Reporter
from trunkline_devtools.workspace import Workspace

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--decline", action="store_true", help="pay with a card that is declined")
    parser.add_argument("--json", action="store_true", help="one JSON document")


def run(options: argparse.Namespace) -> None:
    """Place it and follow it."""
    reporter = Reporter.for_person(json=options.json)
    running = LocalPlatform(Workspace.find()).running()
    followed = run_order(running, reporter, declined=options.decline)
    if options.json:
        print_json(order_as_json(followed))
