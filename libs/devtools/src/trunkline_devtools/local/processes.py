"""Processes beside the local cloud: stand-ins for what a service reaches on the internet.

A service declares one in its pyproject.toml::

    [tool.trunkline.local.processes.sandbox]
    command = ["payments_sandbox"]     # python -m MODULE, with --port, --data and --api-key-file
    setting = "provider-url"           # the service's setting that gets its address
    secret = "provider-api-key"        # the service's secret that gets the key it expects
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

from trunkline_devtools.bundles import LocalPackage
from trunkline_devtools.errors import DevtoolsError
from trunkline_devtools.files import read_json, write_json, write_private
from trunkline_devtools.waiting import wait_for

__all__ = ["Companion", "companions"]

_READY_SECONDS = 20.0
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.05
_STARTED: dict[int, subprocess.Popen[bytes]] = {}
"""The processes that this program has started: as their parent it must ask how they ended."""


@dataclass(frozen=True)
class Companion:
    """One declared process of a service."""

    service: str
    name: str
    module: str
    arguments: tuple[str, ...]
    setting: str | None
    secret: str | None
    directory: Path
    """Everything the process keeps."""

    @property
    def id(self) -> str:
        """``<service>/<name>``."""
        return f"{self.service}/{self.name}"

    @property
    def data(self) -> Path:
        """The process's own data, for example a ledger."""
        return self.directory / "data"

    @property
    def log(self) -> Path:
        """What it prints."""
        return self.directory / "process.log"

    @property
    def api_key(self) -> str:
        """The key that callers of the process must have; made when first asked for."""
        path = self.api_key_file
        if not path.is_file():
            write_private(path, secrets.token_urlsafe(32))
        return path.read_text().strip()

    def port(self) -> int | None:
        """The port on which it answers, or None when it does not run."""
        facts = read_json(self._facts_file)
        if facts is None or not _answers(int(facts["port"])):
            return None
        return int(facts["port"])

    def url(self) -> str | None:
        """Its address, or None when it does not run."""
        port = self.port()
        return None if port is None else _url(port)

    def start(self, preferred_port: int | None) -> int:
        """Start it unless it runs, and wait until it answers; its port.

        Args:
            preferred_port: The port it had before; another one is taken when that is in use.

        Raises:
            DevtoolsError: it ended, or does not answer; the log's path is in the text.
        """
        running = self.port()
        if running is not None:
            return running
        self.directory.mkdir(parents=True, exist_ok=True)
        port = _free_port(preferred_port)
        assert self.api_key  # noqa: S101 - makes the file
        command = [
            sys.executable, "-m", self.module, *self.arguments,
            "--port", str(port), "--data", str(self.data), "--api-key-file", str(self.api_key_file),
        ]  # fmt: skip
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        _STARTED[process.pid] = process
        write_json(self._facts_file, {"pid": process.pid, "port": port, "module": self.module})

        def ready() -> bool | None:
            if process.poll() is not None:
                return False
            return True if _answers(port) else None

        if not wait_for(ready, timeout=_READY_SECONDS, interval=_POLL_SECONDS):
            self.stop()
            raise DevtoolsError(f"the process {self.id} did not start (log: {self.log})")
        return port

    def stop(self) -> bool:
        """Stop it; whether it ran."""
        facts = read_json(self._facts_file)
        self._facts_file.unlink(missing_ok=True)
        if facts is None or not _is_ours(facts):
            return False
        pid = int(facts["pid"])
        _send(pid, signal.SIGTERM)
        gone = wait_for(
            lambda: None if _is_ours(facts) else True, timeout=_STOP_SECONDS, interval=_POLL_SECONDS
        )
        if not gone:
            _send(pid, signal.SIGKILL)
        return True

    def forget(self) -> None:
        """Remove everything it kept."""
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def api_key_file(self) -> Path:
        """Where the process reads the key that callers must have."""
        return self.directory / "api-key"

    @property
    def _facts_file(self) -> Path:
        return self.directory / "process.json"


def companions(services: Iterable[LocalPackage], directory: Path) -> tuple[Companion, ...]:
    """Every process that the services declare.

    Args:
        services: The services' distributions.
        directory: Below it each process keeps its data.
    """
    return tuple(
        Companion(
            service=service.name,
            name=name,
            module=str(table["command"][0]),
            arguments=tuple(map(str, table["command"][1:])),
            setting=table.get("setting"),
            secret=table.get("secret"),
            directory=directory / f"{service.name}-{name}",
        )
        for service in services
        for name, table in service.tool.get("local", {}).get("processes", {}).items()
    )


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _answers(port: int) -> bool:
    try:
        answer = urllib3.request("GET", f"{_url(port)}/health", timeout=2.0, retries=False)
    except urllib3.exceptions.HTTPError:
        return False
    return answer.status == 200


def _free_port(preferred: int | None) -> int:
    for candidate in (preferred, 0):
        if candidate is None:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", candidate))
            return int(probe.getsockname()[1])
    raise DevtoolsError("this machine has no free port")


def _is_ours(facts: dict[str, Any]) -> bool:
    """Whether the process with that number still is the one that was started."""
    pid = int(facts["pid"])
    child = _STARTED.get(pid)
    if child is not None and child.poll() is not None:
        return False
    answer = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return str(facts["module"]) in answer.stdout


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
