"""Command line: ``python -m trunkline_localcloud serve --state DIR``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from trunkline_localcloud.errors import PortInUse, StateInUse
from trunkline_localcloud.server import PORT_IN_USE_EXIT_CODE, STATE_IN_USE_EXIT_CODE, serve
from trunkline_localcloud.settings import CloudSettings

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="trunkline_localcloud", description="An AWS on this machine."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser(
        "serve", help="serve until SIGTERM or SIGINT, then save the state"
    )
    command.add_argument(
        "--port", type=int, default=CloudSettings.port, help="TCP port; 0 chooses a free one"
    )
    command.add_argument(
        "--state",
        type=Path,
        required=True,
        help="directory of everything that outlives the process",
    )
    command.add_argument("--region", default=CloudSettings.region)
    command.add_argument("--account", default=CloudSettings.account_id)
    command.add_argument(
        "--alarm-minute",
        type=float,
        default=CloudSettings.alarm_minute_seconds,
        help="seconds that a minute of an alarm's period lasts",
    )
    command.add_argument(
        "--until-input-ends",
        action="store_true",
        help="stop as SIGTERM does when standard input ends, as it does with whoever holds it",
    )
    options = parser.parse_args(arguments)
    if options.until_input_ends:
        threading.Thread(target=_stop_when_input_ends, daemon=True).start()
    settings = CloudSettings(
        state_dir=options.state,
        port=options.port,
        region=options.region,
        account_id=options.account,
        alarm_minute_seconds=options.alarm_minute,
    )
    try:
        serve(settings)
    except PortInUse as error:
        sys.stderr.write(f"{error}\n")
        return PORT_IN_USE_EXIT_CODE
    except StateInUse as error:
        sys.stderr.write(f"{error}\n")
        return STATE_IN_USE_EXIT_CODE
    return 0


def _stop_when_input_ends() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
