"""The handle on a local cloud that tests and tools hold."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import URLError
from urllib.request import urlopen

from trunkline_localcloud.control_client import ControlClient
from trunkline_localcloud.errors import CloudNotReady, CloudNotRunning, PortInUse, StateInUse
from trunkline_localcloud.facts import CloudFacts, read_facts
from trunkline_localcloud.server import PORT_IN_USE_EXIT_CODE, STATE_IN_USE_EXIT_CODE
from trunkline_localcloud.settings import CloudSettings
from trunkline_localcloud.state_lock import is_held

__all__ = ["LocalCloud"]

_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class LocalCloud:
    """A running local cloud.

    As a context manager it stops the cloud at the end of the block.
    """

    facts: CloudFacts
    state_dir: Path
    _leash: FileIO | None = field(default=None, repr=False)
    """The cloud stops when this is closed, as it is when this process ends."""

    @classmethod
    def start(
        cls, settings: CloudSettings, *, timeout: float = 30.0, outlives: bool = True
    ) -> Self:
        """Start a cloud as a process of its own, and wait until it answers.

        Args:
            settings: Where and as what it runs. A directory that held a cloud resumes its state
                and its keys.
            timeout: Seconds to wait for the first answer.
            outlives: Whether it goes on when this process ends. Otherwise it stops then, however
                this process ends.

        Raises:
            PortInUse: another process listens on the port.
            StateInUse: a cloud runs on the state directory already; ``attach`` to it.
            CloudNotReady: it did not answer in time, or ended; the log's path is in the error.
        """
        settings.state_dir.mkdir(parents=True, exist_ok=True)
        process, leash = _spawn(settings, outlives=outlives)
        try:
            facts = _wait_until_ready(process, settings, timeout)
        except BaseException:
            process.kill()
            process.wait()
            if leash is not None:
                leash.close()
            raise
        # Whether it outlives this process is settled, so Popen need not warn of it.
        process.returncode = 0
        return cls(facts, settings.state_dir, leash)

    @classmethod
    def attach(cls, state_dir: Path) -> Self:
        """The running cloud of ``state_dir``, whoever started it.

        Raises:
            CloudNotRunning: there is none.
        """
        facts = read_facts(CloudSettings(state_dir=state_dir).facts_file)
        if facts is None or not is_held(state_dir) or not _answers(facts.endpoint):
            raise CloudNotRunning(state_dir)
        return cls(facts, state_dir)

    @property
    def endpoint(self) -> str:
        """URL that every AWS client is pointed at."""
        return self.facts.endpoint

    @property
    def region(self) -> str:
        """The cloud's region."""
        return self.facts.region

    @property
    def account_id(self) -> str:
        """The one account."""
        return self.facts.account_id

    @property
    def admin_access_key(self) -> str:
        """Access key of the IAM user ``administrator``."""
        return self.facts.admin_access_key

    @property
    def admin_secret_key(self) -> str:
        """Secret key of the IAM user ``administrator``."""
        return self.facts.admin_secret_key

    @property
    def pid(self) -> int:
        """The serving process."""
        return self.facts.pid

    @property
    def control(self) -> ControlClient:
        """A client of the cloud's control API: faults, recorded calls, e-mails."""
        return ControlClient(self.facts)

    def is_running(self) -> bool:
        """Whether the cloud lives and answers."""
        return is_held(self.state_dir) and _answers(self.endpoint)

    def stop(self, *, timeout: float = 20.0) -> None:
        """Stop the cloud, which saves its state; does nothing when it has stopped already.

        Args:
            timeout: Seconds for a graceful end; after it the process is killed, and what happened
                since its start is lost.
        """
        if is_held(self.state_dir):
            _signal(self.pid, signal.SIGTERM)
        deadline = time.monotonic() + timeout
        while is_held(self.state_dir):
            if time.monotonic() > deadline:
                _signal(self.pid, signal.SIGKILL)
                deadline = time.monotonic() + timeout
            time.sleep(_POLL_SECONDS)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
        if self._leash is not None:
            self._leash.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _spawn(
    settings: CloudSettings, *, outlives: bool
) -> tuple[subprocess.Popen[bytes], FileIO | None]:
    """Start the serving process, and return the leash that it is on unless it outlives us."""
    command = [sys.executable, "-m", "trunkline_localcloud", "serve"]
    command += ["--port", str(settings.port), "--state", str(settings.state_dir)]
    command += ["--region", settings.region, "--account", settings.account_id]
    command += ["--alarm-minute", str(settings.alarm_minute_seconds)]
    with settings.log_file.open("ab") as log:
        if outlives:
            nothing = subprocess.DEVNULL
            process = subprocess.Popen(
                command, stdin=nothing, stdout=log, stderr=log, start_new_session=True
            )
            return process, None
        theirs, ours = os.pipe()
        with FileIO(theirs) as end:
            command.append("--until-input-ends")
            process = subprocess.Popen(
                command, stdin=end, stdout=log, stderr=log, start_new_session=True
            )
        return process, FileIO(ours, "w")


def _wait_until_ready(
    process: subprocess.Popen[bytes], settings: CloudSettings, timeout: float
) -> CloudFacts:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        facts = read_facts(settings.facts_file)
        if facts is not None and facts.pid == process.pid and _answers(facts.endpoint):
            return facts
        if (exit_code := process.poll()) is not None:
            if exit_code == PORT_IN_USE_EXIT_CODE:
                raise PortInUse(settings.port)
            if exit_code == STATE_IN_USE_EXIT_CODE:
                raise StateInUse(settings.state_dir)
            raise CloudNotReady("its process ended", log=settings.log_file, exit_code=exit_code)
        time.sleep(_POLL_SECONDS)
    raise CloudNotReady(f"no answer within {timeout} s", log=settings.log_file)


def _answers(endpoint: str) -> bool:
    try:
        with urlopen(f"{endpoint}/_localcloud/health", timeout=5) as answer:  # noqa: S310 - loopback
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def _signal(pid: int, number: int) -> None:
    """Send a signal; a process that is gone needs none."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
