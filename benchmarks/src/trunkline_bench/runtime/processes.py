"""The processes of the peers: started as Lambda starts a function, asked, timed, ended."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from trunkline_bench.errors import PeerFailed
from trunkline_bench.runtime.bundle import make_bundle
from trunkline_bench.runtime.measures import Measure
from trunkline_bench.runtime.peers import Peer
from trunkline_bench.runtime.surroundings import Cloud, environment_of

__all__ = ["Function", "Functions"]

_WORKER = Path(__file__).with_name("worker.py")
_CALLS_PER_PROCESS = 1_000_000
_SHOWN_LINES = 4
_STOP_SECONDS = 5.0


@dataclass(frozen=True)
class Answer:
    """What a process said."""

    seconds: float
    """In the handler."""
    response: dict[str, Any]
    """Of the last call."""


class Function:
    """One process; it has answered its first call when this exists."""

    def __init__(
        self,
        name: tuple[str, str],
        process: subprocess.Popen[bytes],
        answers: IO[bytes],
        errors: IO[bytes],
    ) -> None:
        self._name = name
        self._process = process
        self._answers = answers
        self._errors = errors
        self.first = self._read()
        """Its first answer."""

    def call(self, count: int) -> Answer:
        """Call the handler so many times."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"%d\n" % count)
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> Answer:
        line = self._answers.readline()
        if not line:
            raise PeerFailed(*self._name, self._last_words())
        answer = json.loads(line)
        response = json.loads(answer["response"])
        if response.get("statusCode", 201) != 201 or response.get("batchItemFailures"):
            raise PeerFailed(*self._name, f"it answered {response}")
        return Answer(answer["seconds"], response)

    def _last_words(self) -> str:
        self._process.wait(_STOP_SECONDS)
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").split("\n")
        return " | ".join(line.strip() for line in lines[-_SHOWN_LINES:] if line.strip())


class Functions:
    """Starts processes of peers, each with a bundle of its own.

    Args:
        cloud: the AWS of all.
        folder: where the bundles are made.
        log: where the processes' output goes; nowhere if ``None``, as in measurements.
    """

    def __init__(self, cloud: Cloud, folder: Path, log: Path | None = None) -> None:
        self._cloud = cloud
        self._folder = folder
        self._log = log or Path(os.devnull)
        self._bundles: dict[str, Path] = {}
        self._numbers = itertools.count()

    @contextmanager
    def started(self, peer: Peer, measure: Measure) -> Iterator[tuple[Function, float]]:
        """A process that has answered its first call, and seconds from its start until then."""
        bundle = self._bundle(peer)
        own = peer.variables[measure.application]
        environment = environment_of(self._cloud, bundle, own)
        readable, writable = os.pipe()
        job = {
            "bundle": str(bundle),
            "handler": peer.handlers[measure.application],
            "event": str(measure.event),
            "answers": writable,
            "first": next(self._numbers) * _CALLS_PER_PROCESS,
        }
        command = [sys.executable, "-I", "-S", str(_WORKER), json.dumps(job)]
        with tempfile.TemporaryFile() as errors, self._log.open("ab") as log:
            start = time.perf_counter()
            process = subprocess.Popen(
                command,
                env=environment,
                cwd=bundle,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=errors,
                pass_fds=(writable,),
                start_new_session=True,  # Ctrl-C is the driver's to deal with
            )
            os.close(writable)
            try:
                with os.fdopen(readable, "rb") as answers:
                    function = Function((peer.name, measure.name), process, answers, errors)
                    yield function, time.perf_counter() - start
            finally:
                process.kill()
                process.communicate()

    def _bundle(self, peer: Peer) -> Path:
        if peer.name not in self._bundles:
            self._bundles[peer.name] = make_bundle(self._folder / peer.name, peer.requirements)
        return self._bundles[peer.name]
