"""``redrive``: send dead letters back to their queues."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from trunkline_devtools.aws import queues_of, redrive
from trunkline_devtools.errors import InputError
from trunkline_devtools.local import LocalPlatform
from trunkline_devtools.output import print_json
from trunkline_devtools.progress import Reporter
from trunkline_devtools.workspace import LOCAL, Workspace

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("service", metavar="SERVICE", nargs="?", help="only this service's")
    parser.add_argument("--json", action="store_true", help="one JSON document")


def run(options: argparse.Namespace) -> None:
    """Move every message back and wait until that is done."""
    platform = LocalPlatform(Workspace.find())
    services = [manifest.service for manifest in platform.manifests]
    if options.service is not None and options.service not in services:
        raise InputError(f"unknown service {options.service!r}; known: {', '.join(services)}")
    running = platform.running()
    pairs = queues_of(platform.manifests, LOCAL)
    results = [
        redrive(running.aws, pair) for pair in pairs if options.service in {None, pair.service}
    ]
    if options.json:
        print_json([asdict(result) for result in results])
        return
    reporter = Reporter.for_person()
    for result in results:
        reporter.say(f"{result.service} {result.function}: {result.moved} sent back")
