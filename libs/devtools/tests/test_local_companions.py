"""Processes beside the local cloud."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from trunkline_devtools.bundles import LocalPackage
from trunkline_devtools.errors import DevtoolsError
from trunkline_devtools.local.processes import Companion, companions

SERVER = """
import argparse, http.server, pathlib
parser = argparse.ArgumentParser()
for name in ("--port", "--data", "--api-key-file"):
    parser.add_argument(name, required=True)
options = parser.parse_args()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(pathlib.Path(options.api_key_file).read_bytes())
    def log_message(self, *args):
        pass
http.server.HTTPServer(("127.0.0.1", int(options.port)), Handler).serve_forever()
"""


@pytest.fixture
def companion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Companion]:
    """A declared process whose module is on the import path; stopped afterwards."""
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "stand_in_for_tests.py").write_text(SERVER)
    monkeypatch.setenv("PYTHONPATH", os.fspath(modules))
    table = {"command": ["stand_in_for_tests"], "setting": "url", "secret": "key"}
    pyproject = {"tool": {"trunkline": {"local": {"processes": {"sandbox": table}}}}}
    service = LocalPackage("payments", tmp_path, (), pyproject)
    (declared,) = companions([service], tmp_path / "processes")
    yield declared
    declared.stop()


def test_a_companion_runs_and_stops(companion: Companion) -> None:
    """It answers at its address under the key that it was given, until it is stopped."""
    port = companion.start(None)

    assert companion.url() == f"http://127.0.0.1:{port}"
    assert urllib3.request("GET", f"{companion.url()}/").data.decode() == companion.api_key
    assert companion.stop()
    assert companion.url() is None
    assert not companion.stop()


def test_a_running_companion_is_found_again(companion: Companion) -> None:
    """Starting it twice gives the one that runs."""
    port = companion.start(None)

    assert companion.start(None) == port


def test_the_same_port_is_taken_again(companion: Companion) -> None:
    """Its address stays, so that nothing has to be applied anew."""
    port = companion.start(None)
    companion.stop()

    assert companion.start(port) == port


def test_the_key_is_private_and_stays(companion: Companion) -> None:
    """Only the owner reads the key, and the next start has the same."""
    key = companion.api_key

    assert companion.api_key == key
    assert stat.S_IMODE(companion.api_key_file.stat().st_mode) == 0o600


def test_a_companion_that_ends_is_an_error(
    companion: Companion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the process and its log."""
    monkeypatch.delenv("PYTHONPATH")

    with pytest.raises(DevtoolsError, match=r"payments/sandbox did not start \(log: "):
        companion.start(None)

    assert "stand_in_for_tests" in companion.log.read_text()


def test_a_number_that_is_somebody_elses_is_left_alone(companion: Companion) -> None:
    """After a crash the process's number may belong to another program."""
    companion.directory.mkdir(parents=True)
    facts = f'{{"pid": {os.getpid()}, "port": 1, "module": "stand_in_for_tests"}}'
    (companion.directory / "process.json").write_text(facts)

    assert not companion.stop()
