"""``locks``: compile the lock files under requirements/ anew."""

from __future__ import annotations

import argparse

from trunkline_devtools.errors import InputError
from trunkline_devtools.locks import compile_lock, locks
from trunkline_devtools.progress import Reporter
from trunkline_devtools.workspace import Workspace

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "names", metavar="LOCK", nargs="*", help="only these, for example services/orders.txt"
    )
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")


def run(options: argparse.Namespace) -> None:
    """Compile them one after another."""
    workspace, reporter = Workspace.find(), Reporter.for_person()
    known = {
        lock.path.relative_to(workspace.requirements).as_posix(): lock
        for lock in locks(workspace.root)
    }
    unknown = [name for name in options.names if name not in known]
    if unknown:
        raise InputError(f"unknown lock {unknown[0]!r}; known: {', '.join(known)}")
    for name in options.names or known:
        changed = compile_lock(known[name], upgrade=options.upgrade)
        reporter.say(f"requirements/{name}: {'changed' if changed else 'unchanged'}")
