"""The command line: ``python -m trunkline_devtools COMMAND [options]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn, Protocol

from trunkline_devtools.errors import DevtoolsError, InputError

__all__ = ["COMMANDS", "main"]

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 and the signal's number, as shells have it."""

COMMANDS = {
    "up": "run the whole platform on this machine",
    "down": "stop the platform and keep its state",
    "status": "what runs and how to reach it",
    "order": "place an order and follow it to its e-mail",
    "trace": "the spans of an order as a tree",
    "load": "drive the running shop and check every order afterwards",
    "dead-letters": "what could not be processed, and why",
    "redrive": "send dead letters back to their queues",
    "secret": "write a secret's value",
    "manifests": "generate each service.json from its declaration",
    "plan": "plan an environment's roots in order",
    "apply": "apply an environment's roots in order",
    "locks": "compile the lock files under requirements/ anew",
    "build": "build the bundles of services",
}
"""The commands, each in a module of that name below ``commands``."""


class Command(Protocol):
    """What a module of ``commands`` offers."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's options."""

    def run(self, options: argparse.Namespace) -> int | None:
        """Do it; the exit code, where None is 0."""


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the arguments."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} (see: ./dev {self.prog.split()[-1]} --help)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code. Errors are one line on standard error."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(words)
    except DevtoolsError as error:
        print(f"dev: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("dev: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has seen enough.
        return 0


def _run(words: list[str]) -> int:
    parser = _Parser(prog="dev", description="Tasks of a Trunkline workspace.")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    # Only the chosen command is imported: boto3 and locust take their time.
    chosen = words[0] if words and words[0] in COMMANDS else None
    for name, summary in COMMANDS.items():
        subparser = subparsers.add_parser(
            name,
            prog=f"dev {name}",
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
        )
        if name == chosen:
            command(name).configure(subparser)
    options = parser.parse_args(words)
    return command(options.command).run(options) or 0


def command(name: str) -> Command:
    """The module of a command."""
    module: Command = import_module(f"trunkline_devtools.commands.{name.replace('-', '_')}")
    return module
