"""What a run has shown: a document for programs, a table for people."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from trunkline_bench.runtime.measure import Results
from trunkline_bench.runtime.measures import MEASURES
from trunkline_bench.runtime.peers import OURS
from trunkline_bench.runtime.statistics import ratio

__all__ = ["document", "ratios_of", "table"]

_PACKAGES = (
    "aws-lambda-powertools",
    "aws-xray-sdk",
    "boto3",
    "chalice",
    "fastapi",
    "mangum",
    "pydantic",
    "trunkline",
)
_MICROSECONDS = 1e6


def ratios_of(results: Results) -> dict[str, dict[str, float]]:
    """By peer and measure: ours divided by theirs, medians."""
    peers = [name for name in next(iter(results.values())) if name != OURS.name]
    return {
        peer: {
            measure: round(ratio(found[OURS.name], found[peer]), 3)
            for measure, found in results.items()
        }
        for peer in peers
    }


def document(results: Results, *, runs: int) -> dict[str, Any]:
    """What ``--json`` prints; all times are seconds."""
    return {
        "benchmark": "runtime",
        "runs": runs,
        "machine": _machine(),
        "versions": {name: version(name) for name in _PACKAGES},
        "targets": {measure.name: measure.target for measure in MEASURES},
        "ratios": ratios_of(results),
        "seconds": {
            measure: {
                peer: {
                    "median": summary.median,
                    "quartiles": list(summary.quartiles),
                    "runs": list(summary.runs),
                }
                for peer, summary in found.items()
            }
            for measure, found in results.items()
        },
    }


def table(results: Results) -> str:
    """Medians with their quartiles, and ours as a part of theirs."""
    ratios = ratios_of(results)
    lines = [_about(_machine())]
    for measure in MEASURES:
        lines += ["", f"{measure.name}: {measure.description}"]
        rows = [
            (
                peer,
                _time(summary.median),
                f"{_time(summary.quartiles[0])} to {_time(summary.quartiles[1])}",
                "" if peer == OURS.name else f"{ratios[peer][measure.name]:.2f}",
            )
            for peer, summary in results[measure.name].items()
        ]
        lines += _aligned([("", "median", "middle half", "ours/theirs"), *rows])
    return "\n".join(lines)


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  "
        + "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _time(seconds: float) -> str:
    if seconds < 1 / 1000:
        return f"{seconds * _MICROSECONDS:.0f} us"
    return f"{seconds * 1000:.1f} ms"


def _machine() -> dict[str, Any]:
    """What kind of machine this is; not which."""
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "system": platform.system(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
    }


def _about(machine: Mapping[str, Any]) -> str:
    return "{cores} cores ({processor}), {system} {architecture}, Python {python}".format(**machine)


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.is_file():
        for line in described.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()
