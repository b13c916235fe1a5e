"""``load``: drive the running shop and check every order afterwards."""

from __future__ import annotations

import argparse
import re
from dataclasses import asdict
from typing import Any

from rich.table import Table

from trunkline_devtools.aws import Customer, ensure_customer
from trunkline_devtools.errors import LoadFailed
from trunkline_devtools.load import (
    LoadPlan,
    LoadResults,
    find_faults,
    make_load,
)
from trunkline_devtools.load.evidence import collect, wait_until_settled
from trunkline_devtools.local import LocalPlatform, RunningPlatform
from trunkline_devtools.output import print_json
from trunkline_devtools.progress import Reporter
from trunkline_devtools.workspace import Workspace

__all__ = ["configure", "run"]

_MOST_USERS = 200
_CUSTOMERS = 5
_SHOWN_FAULTS = 10
_UNITS = {"s": 1, "m": 60, "": 1}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--users", type=_users, default=5, metavar="N", help="customers at once")
    parser.add_argument(
        "--time", type=_seconds, default=30.0, metavar="T", help="how long, for example 30s or 2m"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document")


def run(options: argparse.Namespace) -> None:
    """Make the load, wait until every order is settled, and compare all records."""
    reporter = Reporter.for_person(json=options.json)
    running = LocalPlatform(Workspace.find()).running()
    plan = _plan(running, options.users, options.time)
    reporter.say(f"{plan.users} customers shop for {plan.seconds:.0f} s")
    results = make_load(plan)
    with reporter.phase(f"{len(results.orders)} orders settled"):
        settled = wait_until_settled(running, results.orders)
    faults = find_faults(results.orders, collect(running, results.orders))
    if options.json:
        print_json(_summary(results, settled=settled, faults=faults))
    else:
        _report(reporter, results)
    for text in (*results.errors, *faults)[:_SHOWN_FAULTS]:
        reporter.say(f"  {text}", style="red")
    if results.failures or faults or not settled:
        raise LoadFailed(f"{results.failures} requests failed, {len(faults)} records are wrong")
    reporter.say(
        f"{len(results.orders)} orders ({results.declines} declined, {results.repeated_keys} sent "
        "twice): each final once, charged once, one e-mail each",
        style="green",
    )


def _summary(results: LoadResults, *, settled: bool, faults: tuple[str, ...]) -> dict[str, Any]:
    return {
        "failures": results.failures,
        "orders": len(results.orders),
        "declines": results.declines,
        "repeated_keys": results.repeated_keys,
        "settled": settled,
        "inconsistent_orders": list(faults),
        "errors": list(results.errors),
        "requests": [asdict(entry) for entry in results.statistics],
    }


def _plan(running: RunningPlatform, users: int, seconds: float) -> LoadPlan:
    password = running.platform.customer().password
    customers = [
        Customer(f"load-{number}@customer.example", password)
        for number in range(1, min(users, _CUSTOMERS) + 1)
    ]
    pool = running.parameters.read("edge", "user-pool-id")
    for customer in customers:
        ensure_customer(running.aws, pool, customer)
    return LoadPlan(
        cloud_url=f"{running.aws.endpoint}/",
        shop_url=running.public_url.rstrip("/"),
        client_id=running.parameters.read("edge", "client-id"),
        customers=tuple((customer.username, customer.password) for customer in customers),
        users=users,
        seconds=seconds,
    )


def _report(reporter: Reporter, results: LoadResults) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("request")
    for column in ("count", "failed", "per second", "p50 ms", "p95 ms", "p99 ms"):
        table.add_column(column, justify="right")
    for entry in results.statistics:
        table.add_row(
            entry.name,
            str(entry.requests),
            str(entry.failures),
            f"{entry.per_second:.1f}",
            f"{entry.p50_ms:.0f}",
            f"{entry.p95_ms:.0f}",
            f"{entry.p99_ms:.0f}",
        )
    reporter.show(table)


def _users(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_USERS:
        raise argparse.ArgumentTypeError(f"{text!r}: 1 to {_MOST_USERS} users")
    return int(text)


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+)(s|m|)", text)
    if match is None or int(match[1]) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration: 30s, 2m")
    return float(int(match[1]) * _UNITS[match[2]])
