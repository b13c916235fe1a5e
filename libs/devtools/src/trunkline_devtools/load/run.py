"""Making load with locust, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from trunkline_devtools.errors import LoadFailed
from trunkline_devtools.load.plan import LoadPlan, LoadResults

__all__ = ["make_load"]


def make_load(plan: LoadPlan) -> LoadResults:
    """Run a plan.

    Raises:
        LoadFailed: the process ended without results.
    """
    with tempfile.TemporaryDirectory() as work:
        results = Path(work) / "results.json"
        process = subprocess.Popen(
            [sys.executable, "-m", "trunkline_devtools.load.runner", str(results)],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            _, complaint = process.communicate(plan.dump())
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise
        if not results.is_file():
            last = (complaint.strip().splitlines() or ["it gave no reason"])[-1]
            raise LoadFailed(f"the load could not be made: {last}")
        return LoadResults.read(results)
