"""The lock files of the workspace and what each is made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from trunkline_devtools.bundles import LocalPackages
from trunkline_devtools.bundles.packages import LocalPackage

__all__ = ["Lock", "locks"]

_TEST_GROUP = "test"


@dataclass(frozen=True)
class Lock:
    """One lock file."""

    path: Path
    requirements: tuple[str, ...]
    """What it pins, with everything that these need; PEP 508, sorted."""
    within: Path | None = None
    """Another lock, whose versions this one keeps: both are installed into one environment."""


def locks(root: Path) -> tuple[Lock, ...]:
    """Every lock file of the workspace, from what the distributions declare at this moment.

    ``tools.txt`` is what ``./dev`` installs first, ``run.txt`` what the platform needs to run on
    this machine, ``dev.txt`` what checks and tests need beside it, ``synth.txt`` is for writing and
    testing Terraform, ``bench.txt`` for measuring against other frameworks, and each service has
    one for what goes into its bundle.
    """
    return tuple(_locks(root))


def _locks(root: Path) -> Iterator[Lock]:
    packages = LocalPackages.scan(root)
    workspace = LocalPackage.read(root / "pyproject.toml")
    requirements = root / "requirements"

    def lock(name: str, *wanted: tuple[str, ...], within: Path | None = None) -> Lock:
        texts = [text for group in wanted for text in group]
        return Lock(requirements / name, packages.foreign(texts), within)

    yield lock("tools.txt", workspace.group("tools"))
    running = lock(
        "run.txt",
        *(package.requirements for package in packages),
        packages["trunkline-devtools"].optional("terraform"),
    )
    yield running
    yield lock(
        "dev.txt",
        running.requirements,
        workspace.group("dev"),
        *(package.group(_TEST_GROUP) for package in packages),
        within=running.path,
    )
    if "trunkline-platform" in packages:
        synthesis = packages.closure("trunkline-platform")
        yield lock(
            "synth.txt",
            workspace.group("dev"),
            *(package.requirements for package in synthesis),
            packages["trunkline-platform"].optional("synth"),
            packages["trunkline-platform"].group("synth"),
        )
    if "trunkline-benchmarks" in packages:
        benchmarks = packages["trunkline-benchmarks"]
        compared = packages.closure("trunkline-benchmarks")
        yield lock(
            "bench.txt",
            *(package.requirements for package in compared),
            benchmarks.optional("peers"),
            benchmarks.group(_TEST_GROUP),
            within=running.path,  # ours is measured with what it runs on
        )
    for pyproject in sorted((root / "services").glob("*/pyproject.toml")):
        service = pyproject.parent.name
        closure = packages.closure(service)
        yield lock(f"services/{service}.txt", *(package.requirements for package in closure))
