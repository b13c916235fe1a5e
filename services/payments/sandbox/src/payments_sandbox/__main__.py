"""``python -m payments_sandbox``: serve until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from payments_sandbox.keys import Keys
from payments_sandbox.ledger import Ledger
from payments_sandbox.server import SandboxServer


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the provider; returns the process's exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    data: Path = options.data
    key_file: Path = options.api_key_file
    data.mkdir(parents=True, exist_ok=True)
    try:
        key_file.read_text()
        server = SandboxServer(
            (options.host, options.port),
            Ledger(data / "ledger.sqlite3"),
            Keys(data / "keys.sqlite3", first=lambda: key_file.read_text().strip()),
        )
    except OSError as error:
        sys.stderr.write(f"payments_sandbox: {error}\n")
        return 1

    def stop(_number: int, _frame: FrameType | None) -> None:
        # shutdown() waits for serve_forever(), which this very thread runs.
        threading.Thread(target=server.shutdown).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    sys.stdout.write(f"payments sandbox listens on {server.url}\n")
    sys.stdout.flush()
    with server:
        server.serve_forever(poll_interval=0.1)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="payments_sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one and prints it")
    parser.add_argument("--data", type=Path, required=True, help="folder of the ledger")
    parser.add_argument(
        "--api-key-file",
        type=Path,
        required=True,
        help="file with the first key that callers may have",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
