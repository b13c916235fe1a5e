"""The distributions of the workspace and what they depend on."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

__all__ = ["LocalPackage", "LocalPackages", "normalised"]

_PATTERNS = ("libs/*", "platform", "benchmarks", "services/*", "services/*/*")


def normalised(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return str(canonicalize_name(name))


@dataclass(frozen=True)
class LocalPackage:
    """One distribution of the workspace."""

    name: str
    directory: Path
    requirements: tuple[str, ...]
    """Its dependencies as written, PEP 508."""
    pyproject: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> LocalPackage:
        """What a pyproject.toml says; the workspace root's declares no project."""
        content = tomllib.loads(path.read_text())
        project = content.get("project", {})
        return cls(
            name=normalised(project.get("name", "")),
            directory=path.parent,
            requirements=tuple(project.get("dependencies", ())),
            pyproject=content,
        )

    @property
    def sources(self) -> Path:
        """The folder that is put on the import path."""
        return self.directory / "src"

    @property
    def tool(self) -> dict[str, Any]:
        """The ``[tool.trunkline]`` table."""
        table: dict[str, Any] = self.pyproject.get("tool", {}).get("trunkline", {})
        return table

    def group(self, name: str) -> tuple[str, ...]:
        """The requirements of a dependency group (PEP 735); empty when there is none."""
        groups: dict[str, list[str]] = self.pyproject.get("dependency-groups", {})
        return tuple(groups.get(name, ()))

    def optional(self, name: str) -> tuple[str, ...]:
        """The requirements of an optional part; empty when there is none."""
        extras = self.pyproject.get("project", {}).get("optional-dependencies", {})
        return tuple(extras.get(name, ()))


class LocalPackages:
    """All distributions of a workspace by their normalised names."""

    def __init__(self, packages: Iterable[LocalPackage]) -> None:
        self._packages = {package.name: package for package in packages}

    @classmethod
    def scan(cls, root: Path) -> LocalPackages:
        """Read every pyproject.toml where the workspace keeps distributions."""
        paths = [path for pattern in _PATTERNS for path in root.glob(f"{pattern}/pyproject.toml")]
        return cls(LocalPackage.read(path) for path in sorted(paths))

    def __iter__(self) -> Iterator[LocalPackage]:
        return iter(self._packages.values())

    def __getitem__(self, name: str) -> LocalPackage:
        return self._packages[normalised(name)]

    def __contains__(self, name: str) -> bool:
        return normalised(name) in self._packages

    def closure(self, *names: str) -> tuple[LocalPackage, ...]:
        """The named packages and every local one that they depend on, sorted by name."""
        reached: dict[str, LocalPackage] = {}
        waiting = [normalised(name) for name in names]
        while waiting:
            name = waiting.pop()
            if name in reached:
                continue
            package = self._packages[name]
            reached[name] = package
            waiting.extend(
                other for text in package.requirements if (other := _named(text)) in self._packages
            )
        return tuple(reached[name] for name in sorted(reached))

    def foreign(self, requirements: Iterable[str]) -> tuple[str, ...]:
        """The requirements on packages from elsewhere, sorted, each once.

        A requirement on an optional part of a local package, ``trunkline[testing]``, counts as that
        part's own requirements.
        """
        found: set[str] = set()
        waiting = list(requirements)
        while waiting:
            text = waiting.pop()
            requirement = Requirement(text)
            if requirement.name not in self:
                found.add(text)
            for extra in requirement.extras if requirement.name in self else ():
                waiting.extend(self[requirement.name].optional(extra))
        return tuple(sorted(found))


def _named(requirement: str) -> str:
    return normalised(Requirement(requirement).name)
