"""``dead-letters``: what could not be processed, and why."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from rich.table import Table

from trunkline_devtools.aws import dead_letters, queues_of
from trunkline_devtools.local import LocalPlatform
from trunkline_devtools.output import print_json
from trunkline_devtools.progress import Reporter
from trunkline_devtools.workspace import LOCAL, Workspace

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="one JSON document, bodies included")


def run(options: argparse.Namespace) -> None:
    """Look into every dead-letter queue."""
    platform = LocalPlatform(Workspace.find())
    running = platform.running()
    pairs = queues_of(platform.manifests, LOCAL)
    found = [letter for pair in pairs for letter in dead_letters(running.aws, pair)]
    if options.json:
        print_json([asdict(letter) for letter in found])
        return
    reporter = Reporter.for_person()
    if not found:
        reporter.say("no dead letters")
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("service", "function", "message", "subject", "failed at", "reason"):
        table.add_column(column)
    for letter in found:
        table.add_row(
            letter.service,
            letter.function,
            letter.type,
            letter.subject,
            letter.failed_at,
            letter.reason,
        )
    reporter.show(table)
    reporter.say("send them back with: ./dev redrive [SERVICE]")
