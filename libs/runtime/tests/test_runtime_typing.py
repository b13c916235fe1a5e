"""What an author writes is typed: mypy sees the contract's types in calls, tables and handlers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

RIGHT = """
from typing import assert_type
from trunkline import Api, Caller, Event, IdempotencyKey, Model, Service, command, query

class View(Model):
    name: str

class Happened(Event, version=1, subject="name", service="x"):
    name: str

class XApi(Api, version=1, service="x"):
    @query("GET", "/x/{name}")
    def get_x(self, name: str, limit: int = 1) -> View: ...
    @command("POST", "/x")
    def make_x(self, body: View, key: IdempotencyKey) -> list[View]: ...

service = Service("y")
get_x = service.calls(XApi.get_x, fallback=lambda name, limit=1: View(name=name))
make_x = service.calls(XApi.make_x)
assert_type(get_x("a", limit=2), View)
assert_type(make_x(View(name="a"), key=IdempotencyKey("k")), list[View])
views = service.table("views", View, key="name")
assert_type(views.get("a"), View | None)
assert_type(views.put(View(name="a"), emit=[Happened(name="a")]), View)
assert_type(views.query("a"), list[View])

x = Service("x")

@x.implements(XApi.get_x, uses=[views.read, Happened, get_x])
def handler(name: str, caller: Caller) -> View:
    return View(name=name)

@x.reacts_to(Happened, uses=[views.write])
def on_happened(event: Happened) -> None: ...

assert_type(handler("a", Caller.service("z")), View)
"""

WRONG = {
    "get_x(1)": "arg-type",
    "get_x('a', nope=1)": "call-arg",
    "make_x(View(name='a'), key='k')": "arg-type",
    "views.put(Happened(name='a'))": "arg-type",
    "views.put(View(name='a'), emit=[View(name='a')])": "list-item",
    "x.implements(XApi.get_x)(lambda name: 1)": "arg-type|return-value",
    "x.reacts_to(View)": "type-var|arg-type",
    "x.reacts_to(Happened, uses=[1])": "list-item",
}


@pytest.mark.slow
def test_types_reach_the_author(tmp_path: Path) -> None:
    """Right code passes mypy's strict mode; each wrong line is found, with the right reason."""
    lines = RIGHT.splitlines()
    first = len(lines)
    lines += list(WRONG)
    path = tmp_path / "api.py"
    path.write_text("\n".join(lines))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--config-file=",
            "--disable-error-code=empty-body",
            f"--cache-dir={tmp_path}",
            "--no-pretty",
            str(path),
        ],
        capture_output=True,
        text=True,
        env=dict(os.environ, PYTHONPATH="", MYPYPATH=""),
        check=False,
    )
    found: dict[int, set[str]] = {}
    for line in done.stdout.splitlines():
        if ": error:" in line:
            number = int(line.split(":")[1])
            found.setdefault(number, set()).add(line.rsplit("[", 1)[-1].rstrip("]"))
    for offset, (statement, codes) in enumerate(WRONG.items(), start=first + 1):
        assert found.pop(offset, set()) & set(codes.split("|")), f"{statement}: {done.stdout}"
    assert found == {}, done.stdout
