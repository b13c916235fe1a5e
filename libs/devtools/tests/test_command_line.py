"""What a person gets who types something wrong: one line, an exit code, no traceback."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from trunkline_devtools.cli import COMMANDS, command, main
from trunkline_devtools.workspace import Workspace


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "COMMAND"),
        (["fly"], "invalid choice: 'fly'"),
        (["up", "--port", "no"], "'no' is no port"),
        (["up", "--port", "65536"], "'65536' is no port"),
        (["load", "--users", "0"], "1 to 200 users"),
        (["load", "--time", "soon"], "'soon' is no duration"),
        (["load", "--time", "0s"], "'0s' is no duration"),
        (["trace"], "ORDER_ID"),
        (["plan"], "ENV"),
        (["secret", "get", "payments/key", "--environment", "dev"], "invalid choice: 'get'"),
        (["secret", "set", "payments/key"], "--environment"),
        (["secret", "set", "payments/key", "value", "--environment", "dev"], "unrecognized"),
        (["manifests", "--check", "--write"], "not allowed with"),
        (["build", "--architecture", "riscv"], "invalid choice: 'riscv'"),
    ],
)
def test_wrong_arguments_give_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line names what is wrong; the exit code is 2."""
    assert main(arguments) == 2

    output = capsys.readouterr()
    assert output.out == ""
    assert message in output.err
    assert output.err.count("\n") == 1
    assert output.err.startswith("dev: ")


def test_outside_of_a_workspace_nothing_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A command in the wrong directory says so."""
    monkeypatch.chdir(tmp_path)

    assert main(["status"]) == 2
    assert "not inside a Trunkline workspace" in capsys.readouterr().err


def _clone(folder: Path) -> Path:
    (folder / "libs").mkdir()
    (folder / "services").mkdir()
    (folder / "noxfile.py").touch()
    return folder


@pytest.mark.parametrize(
    "arguments",
    [["plan", "mars"], ["apply", "mars"], ["secret", "set", "a/b", "--environment", "mars"]],
)
def test_an_unknown_environment_lists_the_known(
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The line names the environment and those that there are."""
    monkeypatch.chdir(_clone(tmp_path))

    assert main(arguments) == 2

    line = capsys.readouterr().err
    assert "unknown environment 'mars'" in line
    assert "local, dev" in line


def test_a_broken_manifest_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line says which service.json is broken."""
    clone = _clone(tmp_path)
    (clone / "services" / "orders").mkdir()
    (clone / "services" / "orders" / "service.json").write_text("{")
    monkeypatch.chdir(clone)

    assert main(["build"]) == 2

    error = capsys.readouterr().err
    assert "orders/service.json" in error
    assert error.count("\n") == 1


def test_the_workspace_is_found_from_below(tmp_path: Path) -> None:
    """Commands work in every folder of a clone."""
    clone = _clone(tmp_path)
    (clone / "services" / "orders").mkdir()

    assert Workspace.find(clone / "services" / "orders").root == clone.resolve()


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_its_module(name: str) -> None:
    """Each listed command can be configured."""
    command(name).configure(argparse.ArgumentParser())
