"""The command line: ``./dev bench BENCHMARK [options]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from trunkline_bench.errors import BenchError, InputError
from trunkline_bench.runtime import command as runtime

__all__ = ["main"]

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 and the signal's number, as shells have it."""

BENCHMARKS = {
    "runtime": (runtime, "what an API call and a message cost, against other frameworks"),
}


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the arguments."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} (see: ./{self.prog} --help)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one benchmark; the exit code. Errors are one line on standard error."""
    parser = _Parser(prog="dev bench", description="What Trunkline costs.")
    subparsers = parser.add_subparsers(dest="benchmark", metavar="BENCHMARK", required=True)
    for name, (module, summary) in BENCHMARKS.items():
        module.configure(
            subparsers.add_parser(name, prog=f"dev bench {name}", help=summary, description=summary)
        )
    try:
        options = parser.parse_args(arguments)
        BENCHMARKS[options.benchmark][0].run(options)
    except BenchError as error:
        print(f"dev: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("dev: interrupted", file=sys.stderr)
        return INTERRUPTED
    return 0
