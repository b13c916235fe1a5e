"""``./dev bench runtime``: the runtime against peers that do the same work."""

from __future__ import annotations

import argparse
import json
import sys

from trunkline_bench.errors import TargetsMissed
from trunkline_bench.runtime.measure import measure_all
from trunkline_bench.runtime.measures import MEASURES
from trunkline_bench.runtime.peers import OURS, PEERS, POWERTOOLS
from trunkline_bench.runtime.report import document, ratios_of, table
from trunkline_bench.runtime.statistics import misses

__all__ = ["configure", "run"]

_RUNS = 15
_MOST_RUNS = 1_000


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--json", action="store_true", help="one JSON document, for programs")
    parser.add_argument(
        "--runs",
        type=_runs,
        default=_RUNS,
        metavar="N",
        help=f"runs of each peer and measure (default {_RUNS})",
    )
    parser.add_argument("--check", action="store_true", help="fail when a target is missed")


def run(options: argparse.Namespace) -> None:
    """Measure and report.

    Raises:
        PeerFailed: a peer does not do the work.
        TargetsMissed: ``--check`` was asked, and ours cost more than the targets allow.
    """
    results = measure_all((OURS, *PEERS), MEASURES, runs=options.runs, progress=_say)
    if options.json:
        print(json.dumps(document(results, runs=options.runs), indent=2))
    else:
        print(table(results))
    targets = {measure.name: measure.target for measure in MEASURES}
    missed = misses(ratios_of(results)[POWERTOOLS.name], targets)
    if options.check and missed:
        raise TargetsMissed(missed)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _runs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_RUNS:
        raise argparse.ArgumentTypeError(f"{text!r}: 1 to {_MOST_RUNS} runs")
    return int(text)
