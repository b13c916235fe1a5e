"""The process that makes the load: a plan on standard input, the results into a file."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from locust.env import Environment

from trunkline_devtools.load.plan import LoadPlan, LoadResults, OrderMade, RequestStatistics
from trunkline_devtools.load.shopper import make_shopper

__all__ = ["main"]


def main(results: Path) -> int:
    """Run the plan and write what happened."""
    plan = LoadPlan.load(sys.stdin.read())
    made: list[OrderMade] = []
    environment = Environment(user_classes=[make_shopper(plan, made)], stop_timeout=30)
    runner = environment.create_local_runner()
    runner.start(plan.users, spawn_rate=plan.users)
    # Importing locust has made threads cooperative: this timer is a greenlet among the users.
    threading.Timer(plan.seconds, runner.quit).start()
    runner.greenlet.join()
    statistics = environment.stats
    LoadResults(
        orders=tuple(made),
        statistics=tuple(
            RequestStatistics(
                name=entry.name,
                requests=entry.num_requests,
                failures=entry.num_failures,
                per_second=entry.num_requests / plan.seconds,
                p50_ms=entry.get_response_time_percentile(0.5),
                p95_ms=entry.get_response_time_percentile(0.95),
                p99_ms=entry.get_response_time_percentile(0.99),
            )
            for entry in sorted(statistics.entries.values(), key=lambda entry: str(entry.name))
        ),
        errors=tuple(
            f"{error.name}: {error.error} ({error.occurrences} times)"
            for error in statistics.errors.values()
        ),
    ).write(results)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
