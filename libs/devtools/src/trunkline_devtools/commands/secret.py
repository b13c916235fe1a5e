"""``secret set``: write a value that is read from standard input or a prompt, never an argument."""

from __future__ import annotations

import argparse
import getpass
import sys

from trunkline_devtools.aws import Aws, write_secret
from trunkline_devtools.environments import environment_settings
from trunkline_devtools.errors import InputError
from trunkline_devtools.local import LocalPlatform
from trunkline_devtools.progress import Reporter
from trunkline_devtools.workspace import LOCAL, Workspace

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("action", choices=["set"], help="what to do")
    parser.add_argument(
        "secret", metavar="SERVICE/NAME", help="for example payments/provider-api-key"
    )
    parser.add_argument("--environment", required=True, metavar="ENV", help="for example dev")


def run(options: argparse.Namespace) -> None:
    """Read the value and write it."""
    settings = environment_settings(options.environment)
    platform = LocalPlatform(Workspace.find())
    known = [
        f"{manifest.service}/{secret.name}"
        for manifest in platform.manifests
        for secret in manifest.secrets
    ]
    if options.secret not in known:
        raise InputError(f"unknown secret {options.secret!r}; known: {', '.join(known)}")
    service, name = options.secret.split("/")
    local = options.environment == LOCAL
    aws = platform.running().aws if local else Aws(settings.region)
    write_secret(aws, options.environment, service, name, _value(options.secret))
    Reporter.for_person().say(f"{options.secret} has a new value in {options.environment}")


def _value(secret: str) -> str:
    if sys.stdin.isatty():
        value = getpass.getpass(f"value of {secret}: ")
    else:
        value = sys.stdin.read().removesuffix("\n")
    if not value:
        raise InputError(f"no value for {secret} on standard input")
    return value
