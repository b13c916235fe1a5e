"""One process of a function: started, asked, timed, killed.

What AWS calls an execution environment
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html).
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trunkline_localcloud.functions.credentials import Holder, TemporaryCredentials, issuer
from trunkline_localcloud.functions.definition import FunctionVersion
from trunkline_localcloud.functions.interpreters import Interpreter
from trunkline_localcloud.functions.output import LogLine, OutputReader
from trunkline_localcloud.functions.variables import environment_of

__all__ = ["ExecutionEnvironment", "Invocation", "Outcome"]

_BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
_INIT_SECONDS = 10.0
_LOG_SECONDS = 1.0


@dataclass(frozen=True)
class Invocation:
    """One event for a function."""

    event: Any
    """Any JSON value."""
    request_id: str
    invoked_function_arn: str
    """The ARN that the caller named, with its alias or version."""
    trace_id: str | None
    """The X-Ray trace header, when there is one."""


@dataclass(frozen=True)
class Outcome:
    """What came of one invocation."""

    payload: Any
    """What the handler returned, or the error as AWS reports it."""
    failed: bool
    log: list[LogLine] = field(default_factory=list)


class _Died(Exception):
    """The process ended, or said nothing in time."""


class ExecutionEnvironment:
    """A process that runs the handler of one function version, one invocation at a time.

    Args:
        function: What it runs.
        interpreter: The Python it runs on.
        bundle: Directory of the extracted package.
        layers: Directories of the extracted layers.
        endpoint: URL of this cloud.
        scratch: Directory of the process alone, made here and removed when it ends.
    """

    def __init__(
        self,
        function: FunctionVersion,
        *,
        interpreter: Interpreter,
        bundle: Path,
        layers: tuple[Path, ...],
        endpoint: str,
        scratch: Path,
    ) -> None:
        self.function = function
        self.log_stream = function.new_log_stream()
        self.last_used = time.monotonic()
        self._interpreter = interpreter
        self._bundle = bundle
        self._layers = layers
        self._endpoint = endpoint
        self._scratch = scratch
        self._killed = False
        self._credentials: TemporaryCredentials | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._output: OutputReader | None = None
        self._init_seconds: float | None = None
        self._init_error: dict[str, Any] | None = None
        self._max_rss_kib = 0
        self._prelude: list[LogLine] = []

    def start(self) -> None:
        """Start the process and let it import the handler; what fails shows when it is invoked."""
        began = time.monotonic()
        self._scratch.mkdir(parents=True)
        first = LogLine.now(f"INIT_START Runtime Version: {self._interpreter.description}")
        self._credentials = issuer.issue(Holder(self.function, self.kill))
        ours, theirs = socket.socketpair()
        read_log, write_log = os.pipe()
        try:
            self._process = subprocess.Popen(
                [self._interpreter.path, "-I", "-S", str(_BOOTSTRAP), str(theirs.fileno())],
                cwd=self._bundle,
                env=environment_of(
                    self.function,
                    credentials=self._credentials,
                    bundle=self._bundle,
                    layers=self._layers,
                    endpoint=self._endpoint,
                    scratch=self._scratch,
                    log_stream=self.log_stream,
                ),
                stdin=subprocess.DEVNULL,
                stdout=write_log,
                stderr=write_log,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        finally:
            theirs.close()
            os.close(write_log)
        self._control = ours
        self._output = OutputReader(read_log, name=self.function.name)
        try:
            answer = self._receive(began + max(_INIT_SECONDS, self.function.timeout))
        except TimeoutError:
            self.kill()
            message = f"Init timed out after {_INIT_SECONDS:.2f} seconds"
            self._init_error = {"errorType": "Sandbox.Timedout", "errorMessage": message}
        except _Died:
            self._init_error = self._exit_error("")
        else:
            self._max_rss_kib = answer["max_rss"]
            self._init_error = answer["payload"] if answer["kind"] == "init_error" else None
        self._init_seconds = time.monotonic() - began
        self._prelude = [first, *self._output.until("init", _LOG_SECONDS)]

    def invoke(self, invocation: Invocation) -> Outcome:
        """Run the handler once, in the process that ``start`` has started.

        Never raises for what the function does: errors, exits and timeouts are outcomes.
        """
        self.last_used = time.monotonic()
        prelude, self._prelude = self._prelude, []
        began = time.monotonic()
        start = LogLine.now(f"START RequestId: {invocation.request_id} Version: {self._version}")
        if self._init_error is not None:
            payload = {**self._init_error, "requestId": invocation.request_id}
            failed, lines = True, list[LogLine]()
            self.stop()
        else:
            payload, failed, lines = self._ask(invocation)
        log = [
            *prelude,
            start,
            *lines,
            LogLine.now(f"END RequestId: {invocation.request_id}"),
            LogLine.now(
                self._report(invocation.request_id, time.monotonic() - began, bool(prelude))
            ),
        ]
        self.last_used = time.monotonic()
        return Outcome(payload, failed, log)

    @property
    def usable(self) -> bool:
        """Whether it can take another invocation."""
        return self._process is not None and not self._killed and self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL the process and all that it started, as a crash would end it."""
        self._killed = True
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def stop(self) -> None:
        """End the process, take its credentials back and remove its files."""
        self.kill()
        if self._process is not None:
            self._process.wait()
        if self._control is not None:
            self._control.close()
        if self._output is not None:
            self._output.close()
        if self._credentials is not None:
            issuer.revoke(self._credentials)
        shutil.rmtree(self._scratch, ignore_errors=True)

    @property
    def _version(self) -> str:
        return self.function.version

    def _ask(self, invocation: Invocation) -> tuple[Any, bool, list[LogLine]]:
        assert self._output is not None  # noqa: S101 - started
        deadline = time.monotonic() + self.function.timeout
        request = {
            "request_id": invocation.request_id,
            "invoked_function_arn": invocation.invoked_function_arn,
            "trace_id": invocation.trace_id,
            "deadline_ms": int((time.time() + self.function.timeout) * 1000),
            "event": invocation.event,
        }
        try:
            self._send(request, deadline)
            answer = self._receive(deadline)
        except TimeoutError:
            self.kill()
            lines = self._output.rest(_LOG_SECONDS)
            text = f"Task timed out after {self.function.timeout:.2f} seconds"
            lines.append(LogLine.now(f"{_iso_now()} {invocation.request_id} {text}"))
            message = f"RequestId: {invocation.request_id} Error: {text}"
            return {"errorType": "Sandbox.Timedout", "errorMessage": message}, True, lines
        except _Died:
            error = self._exit_error(invocation.request_id)
            lines = self._output.rest(_LOG_SECONDS)
            lines.append(LogLine.now(error["errorMessage"]))
            return error, True, lines
        self._max_rss_kib = answer["max_rss"]
        lines = self._output.until(invocation.request_id, _LOG_SECONDS)
        if answer["kind"] == "error":
            return answer["payload"], True, lines
        return json.loads(answer["payload"]), False, lines

    def _exit_error(self, request_id: str) -> dict[str, Any]:
        """What AWS answers when the process ends while it is asked."""
        assert self._process is not None  # noqa: S101 - started
        code = self._process.wait()
        if code == 0:
            reason = "Runtime exited without providing a reason"
        elif code < 0:
            reason = f"Runtime exited with error: signal: {_SIGNALS.get(-code, str(-code))}"
        else:
            reason = f"Runtime exited with error: exit status {code}"
        prefix = f"RequestId: {request_id} Error: " if request_id else ""
        return {"errorType": "Runtime.ExitError", "errorMessage": prefix + reason}

    def _send(self, message: dict[str, Any], deadline: float) -> None:
        assert self._control is not None  # noqa: S101 - started
        body = json.dumps(message).encode()
        self._control.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            self._control.sendall(len(body).to_bytes(4, "big") + body)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise _Died from error

    def _receive(self, deadline: float) -> dict[str, Any]:
        size = int.from_bytes(self._read(4, deadline), "big")
        answer: dict[str, Any] = json.loads(self._read(size, deadline))
        return answer

    def _read(self, size: int, deadline: float) -> bytes:
        assert self._control is not None  # noqa: S101 - started
        parts = bytearray()
        while len(parts) < size:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise TimeoutError
            self._control.settimeout(remaining)
            try:
                part = self._control.recv(size - len(parts))
            except ConnectionResetError as error:
                raise _Died from error
            if not part:
                raise _Died
            parts += part
        return bytes(parts)

    def _report(self, request_id: str, seconds: float, cold: bool) -> str:
        milliseconds = seconds * 1000
        fields = [
            f"REPORT RequestId: {request_id}",
            f"Duration: {milliseconds:.2f} ms",
            f"Billed Duration: {math.ceil(milliseconds)} ms",
            f"Memory Size: {self.function.memory_mb} MB",
            f"Max Memory Used: {max(1, self._max_rss_kib // 1024)} MB",
        ]
        if cold and self._init_seconds is not None:
            fields.append(f"Init Duration: {self._init_seconds * 1000:.2f} ms")
        return "\t".join(fields)


_SIGNALS: dict[int, str] = {
    signal.SIGKILL: "killed",
    signal.SIGTERM: "terminated",
    signal.SIGSEGV: "segmentation fault",
}


def _iso_now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
