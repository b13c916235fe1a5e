"""What tests of the running platform share: one platform, started in a fresh clone."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import pytest

ROOT = Path(__file__).parents[1]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--shop",
        type=Path,
        metavar="CLONE",
        help="use the platform that already runs in this clone; do not start one",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Tests come in random order, but one that takes the shared platform away comes last.
    items.sort(key=lambda item: item.get_closest_marker("ends_the_shop") is not None)


class Shop:
    """A clone of the repository whose platform runs, and the ways in which a user reaches it."""

    def __init__(self, clone: Path) -> None:
        self.clone = clone
        self.log = ""
        """What `./dev up` printed."""

    def dev(
        self, *arguments: str, check: bool = True, timeout: float = 300, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run ``./dev`` in the clone as a user does, and return what it printed."""
        done = subprocess.run(
            [self.clone / "dev", *arguments],
            cwd=self.clone,
            env=_environment(),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(
                f"./dev {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
            )
        return done

    @cached_property
    def status(self) -> dict[str, Any]:
        """What ``./dev status --json`` says."""
        status: dict[str, Any] = json.loads(self.dev("status", "--json").stdout)
        return status

    def client(self, service: str, **credentials: str) -> Any:
        """A boto3 client of the local cloud: the administrator's unless credentials are given."""
        keys = credentials or {
            "aws_access_key_id": self.status["administrator"]["access_key_id"],
            "aws_secret_access_key": self.status["administrator"]["secret_access_key"],
        }
        return boto3.client(
            service, endpoint_url=self.status["endpoint"], region_name=self.status["region"], **keys
        )


@pytest.fixture(scope="session")
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """The platform, running. It is stopped, and its state forgotten, after the last test."""
    given: Path | None = request.config.getoption("--shop")
    if given is not None:
        yield Shop(given.resolve())
        return
    folder = tmp_path_factory.mktemp("shop")
    shop = Shop(fresh_clone(folder / "clone"))
    try:
        started = shop.dev("up", "--detach", "--port", str(free_port()), timeout=900)
        shop.log = started.stdout + started.stderr
        (folder / "up.log").write_text(shop.log)  # kept with the failed test's other files
        yield shop
    finally:
        shop.dev("down", "--reset", check=False)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A fresh clone in which nothing runs."""
    return fresh_clone(tmp_path / "clone")


def fresh_clone(target: Path) -> Path:
    """Clone the repository as it stands in the working tree, with nothing that Git ignores."""
    subprocess.run(["git", "clone", "--quiet", ROOT, target], check=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
        else:
            (target / name).unlink(missing_ok=True)
    return target


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _environment() -> dict[str, str]:
    # The test's own virtual environment and AWS settings are not a newcomer's.
    dropped = {"VIRTUAL_ENV", "PYTHONPATH"}
    return {
        name: value
        for name, value in os.environ.items()
        if name not in dropped and not name.startswith("AWS_")
    }
