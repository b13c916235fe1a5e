"""What an author writes is typed: checkers see the contract's types in calls, tables, handlers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

RIGHT = """
from typing import assert_type
from pydantic import SecretStr
from trunkline import Api, Caller, Event, IdempotencyKey, Model, Personal, Service
from trunkline import command, query
from trunkline.rotation import Rotation
from trunkline.rules import Rule, owner, services, signed_in

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
assert_type(get_x.or_else(lambda name, limit=1: limit)("a"), View | int)
assert_type(make_x(View(name="a"), key=IdempotencyKey("k")), list[View])
views = service.table("views", View, key="name")
assert_type(views.get("a"), View | None)
assert_type(views.put(View(name="a"), emit=[Happened(name="a")]), View)
assert_type(views.query("a"), list[View])

x = Service("x")

@x.implements(XApi.get_x, allow=services("y") | services("z"), uses=[views.read, Happened, get_x])
def handler(name: str, caller: Caller) -> View:
    return View(name=name)

@x.reacts_to(Happened, uses=[views.write])
def on_happened(event: Happened) -> None: ...

class Person(Model):
    email: Personal[str]
    phones: tuple[Personal[str], ...] = ()

placed = service.metric("placed", unit="Milliseconds")

assert_type(Person(email="a@b.c").email, str)
assert_type(Person(email="a@b.c").phones, tuple[str, ...])
assert_type(placed.add(2.5), None)

class Login(Model):
    user: str
    password: SecretStr

most = x.setting("most", type=int, description="d", default=3, live=True)
key = x.secret("key", description="d")
login = x.secret("login", type=Login, description="d")
assert_type(most.value(), int)
assert_type(x.setting("name", description="d").value(), str)
assert_type(key.use(lambda value: len(value.get_secret_value()), refused=OSError), int)
assert_type(login.value(), Login)

class KeyRotation(Rotation[SecretStr]):
    def create(self, current: SecretStr, token: str) -> SecretStr:
        return SecretStr(token)
    def test(self, value: SecretStr) -> None: ...

x.rotates(key, uses=[most, login])(KeyRotation)
assert_type(signed_in & owner, Rule)
assert_type(handler("a", Caller.service("z")), View)
"""

WRONG = {
    "get_x(1)": "arg-type",
    "get_x('a', nope=1)": "call-arg",
    "make_x(View(name='a'), key='k')": "arg-type",
    "views.put(Happened(name='a'))": "arg-type",
    "views.put(View(name='a'), emit=[View(name='a')])": "list-item",
    "x.implements(XApi.get_x)(lambda name: 1)": "arg-type|return-value",
    "x.implements(XApi.get_x, allow='everybody')": "arg-type",
    "services('y') | 'z'": "operator",
    "x.reacts_to(View)": "type-var|arg-type",
    "x.reacts_to(Happened, uses=[1])": "list-item",
    "Person(email=1)": "arg-type",
    "x.metric('lengths', unit='Parsecs')": "arg-type",
    "placed.add('2')": "arg-type",
    "x.rotates(login)(KeyRotation)": "arg-type",
    "x.rotates(most)": "arg-type",
    "login.use(lambda value: value.nope, refused=OSError)": "attr-defined",
}


def _code(folder: Path) -> tuple[Path, dict[int, str]]:
    """A module of right lines and then wrong ones, and the wrong ones by their number."""
    lines = RIGHT.splitlines()
    wrong = dict(enumerate(WRONG, start=len(lines) + 1))
    path = folder / "api.py"
    path.write_text("\n".join([*lines, *WRONG]))
    return path, wrong


def _run(*arguments: str | Path) -> str:
    environment = dict(os.environ, PYTHONPATH="", MYPYPATH="")
    return subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        capture_output=True, text=True, env=environment, check=False,
    ).stdout  # fmt: skip


def test_mypy_sees_what_an_author_writes(tmp_path: Path) -> None:
    """Right code passes mypy's strict mode; each wrong line is found, with the right reason."""
    path, wrong = _code(tmp_path)
    options = ("--strict", "--config-file=", "--disable-error-code=empty-body", "--no-pretty")
    printed = _run("mypy", *options, f"--cache-dir={tmp_path}", path)
    found: dict[int, set[str]] = {}
    for line in printed.splitlines():
        if ": error:" in line:
            number = int(line.split(":")[1])
            found.setdefault(number, set()).add(line.rsplit("[", 1)[-1].rstrip("]"))
    for number, statement in wrong.items():
        codes = set(WRONG[statement].split("|"))
        assert found.pop(number, set()) & codes, f"{statement}: {printed}"
    assert found == {}, printed


def test_pyright_sees_what_an_author_writes(tmp_path: Path) -> None:
    """Pyright, which most editors ask, finds the wrong lines and no other."""
    _, wrong = _code(tmp_path)
    settings = {"include": ["api.py"], "typeCheckingMode": "standard"}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    report = json.loads(
        _run("basedpyright", "--project", tmp_path, "--pythonpath", sys.executable, "--outputjson")
    )
    assert report["summary"]["filesAnalyzed"] == 1
    found = {
        diagnostic["range"]["start"]["line"] + 1: diagnostic["message"]
        for diagnostic in report["generalDiagnostics"]
        if diagnostic["severity"] == "error"
    }
    assert found.keys() == wrong.keys(), found
