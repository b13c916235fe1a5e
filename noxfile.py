"""Every task a person or a pipeline runs: ``./dev SESSION [ARGUMENT ...]`` runs one."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

import nox

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "none"  # sessions share two environments; see Environment

ROOT = Path(__file__).parent
SERVICES = sorted(path.parent.name for path in ROOT.glob("services/*/pyproject.toml"))
LIBRARIES = sorted(path.parent.name for path in ROOT.glob("libs/*/pyproject.toml"))
GROUPS = (("libs", LIBRARIES), ("services", SERVICES))
SERVICE_PACKAGES = [
    *sorted(str(p.parent.relative_to(ROOT)) for p in ROOT.glob("services/*/*/pyproject.toml")),
    *(f"services/{name}" for name in SERVICES),
]
PACKAGES = [*(f"libs/{name}" for name in LIBRARIES), "platform", *SERVICE_PACKAGES]
COMMANDS = {
    "up": "Run the whole platform on this machine: --detach, --port N",
    "down": "Stop it and keep its state; --reset forgets, --destroy destroys with Terraform first",
    "status": "What runs and how to reach it; --json",
    "order": "Place an order and follow it to its e-mail; --decline",
    "trace": "The spans of an order as a tree: ORDER_ID",
    "load": "Drive the running shop with locust: --users 5 --time 30s",
    "dead-letters": "What could not be processed, and why",
    "redrive": "Send dead letters back to their queues: [SERVICE]",
    "secret": "Write a secret's value: set SERVICE/NAME --environment ENV",
    "manifests": "Generate each service.json from its declaration; --check only compares",
    "plan": "Plan an environment's roots in order: ENV",
    "apply": "Apply an environment's roots in order: ENV",
    "locks": "Compile requirements/*.txt anew",
    "build": "Build the bundles of services: [SERVICE ...]",
}
"""Commands of trunkline_devtools, each a session of its own."""
PATIENCE = {"interrupt_timeout": 60.0, "terminate_timeout": 10.0}
"""Ctrl-C reaches a command too, which then needs time to stop what it started."""


class Environment:
    """A virtual environment that several sessions share: one set-up, and editors find it."""

    def __init__(self, location: str, lock: str, packages: list[str], size: str) -> None:
        self.location = ROOT / location
        self.lock = f"requirements/{lock}"
        self.packages = packages
        self.size = size
        """On disk, to say before anything is downloaded."""

    def run(self, session: nox.Session, program: str, *arguments: str, **options: Any) -> None:
        """Run a program of the environment, after bringing it up to date."""
        self._install(session)
        path = os.pathsep.join((str(self.location / "bin"), os.environ["PATH"]))
        # Bytecode is always cached: cold starts and synthesis cost several times as much without.
        env = {"VIRTUAL_ENV": str(self.location), "PATH": path, "PYTHONDONTWRITEBYTECODE": None}
        # By nox's default both streams become one; --json must be alone on standard output.
        streams = {"stderr": sys.stderr, **options}
        session.run(str(self.location / "bin" / program), *arguments, env=env, **streams)

    def _install(self, session: nox.Session) -> None:
        projects = [f"{package}/pyproject.toml" for package in self.packages]
        inputs = b"\0".join((ROOT / path).read_bytes() for path in (self.lock, *projects))
        digest = hashlib.sha256(inputs).hexdigest()
        stamp = self.location / f"installed-{Path(self.lock).stem}"
        if stamp.exists() and stamp.read_text() == digest:
            return
        session.log("installing %s into %s (%s)", self.lock, self.location.name, self.size)
        if not (self.location / "bin" / "python").exists():
            session.run("uv", "venv", "--quiet", "--python", sys.executable, str(self.location))
        pip = ("uv", "pip", "install", "--quiet", "--python", str(self.location / "bin" / "python"))
        session.run(*pip, "--require-hashes", "--requirement", self.lock, log=False)
        editable = [argument for package in self.packages for argument in ("--editable", package)]
        session.run(*pip, "--no-deps", *editable, log=False)
        stamp.write_text(digest)


WORKSPACE = Environment(".venv", "run.txt", PACKAGES, "about 300 MB on disk")
"""What the commands need; it is where editors look for it."""
CHECKS = Environment(".venv", "dev.txt", PACKAGES, "about 330 MB on disk")
"""The same environment with what checks and tests need."""
SYNTHESIS = Environment(
    ".dev/synth", "synth.txt", ["libs/runtime", "platform", "libs/devtools"], "about 540 MB on disk"
)
"""cdktn and its bindings weigh half a gigabyte; only who changes a declaration needs them."""
PEERS = Environment(
    ".dev/bench",
    "bench.txt",
    ["libs/runtime", *SERVICE_PACKAGES, "benchmarks"],
    "about 120 MB on disk",
)
"""The frameworks that the runtime is measured against; nobody else needs them."""


def _command(name: str, summary: str) -> None:
    def run(session: nox.Session) -> None:
        arguments = ("-m", "trunkline_devtools", name, *session.posargs)
        WORKSPACE.run(session, "python", *arguments, log=False, **PATIENCE)

    run.__doc__ = summary
    nox.session(run, name=name, default=False)


for _name, _summary in COMMANDS.items():
    _command(_name, _summary)


@nox.session(default=False)
def synth(session: nox.Session) -> None:
    """Write terraform/<environment>/<root>/cdk.tf.json from the services' manifests."""
    arguments = ("--services", "services", "--out", "terraform", *session.posargs)
    SYNTHESIS.run(session, "python", "-m", "trunkline_platform.synth", *arguments)


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """What Trunkline costs: runtime [--json] [--runs N] [--check]"""
    PEERS.run(session, "python", "-m", "trunkline_bench", *session.posargs, **PATIENCE)


@nox.session(default=False)
def fairness(session: nox.Session) -> None:
    """The peers of the benchmarks do the same work; types of the benchmarks."""
    PEERS.run(session, "mypy", "benchmarks/src")
    PEERS.run(session, "pytest", "benchmarks/tests", *session.posargs)


@nox.session(default=False)
def lint(session: nox.Session) -> None:
    """Style and common mistakes (ruff)."""
    CHECKS.run(session, "ruff", "check", *session.posargs)
    CHECKS.run(session, "ruff", "format", "--check", "--quiet")


@nox.session(default=False)
def fmt(session: nox.Session) -> None:
    """Format the code and mend what a machine can mend."""
    CHECKS.run(session, "ruff", "check", "--fix-only", "--quiet")
    CHECKS.run(session, "ruff", "format")


@nox.session(default=False)
def types(session: nox.Session) -> None:
    """mypy --strict on what we ship but the platform (see `infra`); pyright as users' editors."""
    sources = [f"{package}/src" for package in PACKAGES if package != "platform"]
    CHECKS.run(session, "mypy", *sources, *session.posargs)
    CHECKS.run(session, "basedpyright")


@nox.session(default=False)
def imports(session: nox.Session) -> None:
    """Who may import whom (import-linter)."""
    CHECKS.run(session, "lint-imports")


def _tests(*folders: str) -> list[str]:
    return [folder for folder in folders if (ROOT / folder).is_dir()]


@nox.session(default=False)
def unit(session: nox.Session) -> None:
    """Tests of every library and service, the guides and the architecture; not the slow ones."""
    folders = _tests(*(f"{package}/tests" for package in PACKAGES if package != "platform"))
    across = _tests("tests/architecture", "tests/docs")
    # They mostly wait for servers of their own, so several workers are faster even on two cores.
    workers = ("-n", "auto", "--maxprocesses", "4", "--dist", "loadfile")
    # A selection of tests covers little; all of them must cover what every service depends on.
    measured = () if session.posargs else ("--cov", "--cov-report=term:skip-covered")
    selected = ("-m", "not slow", *workers, *measured, *folders, *across, *session.posargs)
    CHECKS.run(session, "pytest", *selected)


@nox.session(default=False)
def slow(session: nox.Session) -> None:
    """Minutes of Terraform with every kind of resource on the local cloud, Kinesis included."""
    CHECKS.run(session, "pytest", "-m", "slow", "libs/localcloud/tests", *session.posargs)


@nox.session(default=False)
def nightly(session: nox.Session) -> None:
    """The runtime's properties and state machines with 10,000 examples each; hours."""
    arguments = ("--hypothesis-profile", "nightly", "-n", "auto", "--maxprocesses", "4")
    CHECKS.run(session, "pytest", *arguments, "libs/runtime/tests", *session.posargs)


@nox.session(default=False)
def infra(session: nox.Session) -> None:
    """The generated Terraform is fresh, valid and of least privilege; types of the platform."""
    SYNTHESIS.run(session, "mypy", "platform/src")
    SYNTHESIS.run(session, "pytest", "tests/infra", *session.posargs)


@nox.session(default=False)
def integration(session: nox.Session) -> None:
    """The running platform: security, nothing lost, alarms."""
    CHECKS.run(session, "pytest", "tests/integration", *session.posargs)


@nox.session(default=False)
def e2e(session: nox.Session) -> None:
    """The commands as a newcomer types them."""
    CHECKS.run(session, "pytest", "tests/e2e", *session.posargs)


@nox.session(default=False)
def system(session: nox.Session) -> None:
    """Integration and end-to-end tests on one platform, which is started once."""
    CHECKS.run(session, "pytest", "tests/integration", "tests/e2e", *session.posargs)


@nox.session
def test(session: nox.Session) -> None:
    """Everything that can be proved on this machine."""
    for name in ("lint", "types", "imports", "unit", "fairness", "infra", "system"):
        session.notify(name)


def _test_of(package: str) -> None:
    def run(session: nox.Session) -> None:
        CHECKS.run(session, "mypy", f"{package}/src")
        CHECKS.run(session, "pytest", *_tests(f"{package}/tests"), *session.posargs)

    run.__doc__ = f"Types and tests of {package} alone."
    nox.session(run, name=f"test({Path(package).name})", default=False)


for _package in (f"{folder}/{name}" for folder, names in GROUPS for name in names):
    _test_of(_package)
