"""``manifests``: generate each service.json from its declaration."""

from __future__ import annotations

import argparse

from trunkline_devtools.errors import DevtoolsError
from trunkline_devtools.manifests import load_manifests, stale_manifests, write_manifests
from trunkline_devtools.progress import Reporter
from trunkline_devtools.workspace import Workspace

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="only compare; fail when one is stale")
    mode.add_argument("--write", action="store_true", help="write the stale ones (default)")


def run(options: argparse.Namespace) -> None:
    """Compare and, unless only checking, write; then check that they fit together."""
    workspace, reporter = Workspace.find(), Reporter.for_person()
    stale = stale_manifests(workspace.root)
    names = ", ".join(manifest.service for manifest in stale)
    if stale and options.check:
        raise DevtoolsError(f"service.json is stale: {names}; write it with: ./dev manifests")
    write_manifests(workspace.services, stale)
    load_manifests(workspace.services)
    reporter.say(
        f"written: {names}; now run: ./dev synth" if stale else "every service.json is fresh"
    )
