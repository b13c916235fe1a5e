"""Generating manifests from the services' declarations, and finding the stale ones."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from trunkline.manifest import FILE_NAME, Manifest
from trunkline_devtools.bundles import LocalPackage, LocalPackages
from trunkline_devtools.bundles.archive import tree
from trunkline_devtools.errors import BadManifests
from trunkline_devtools.manifests.load import check_together, load

__all__ = ["StaleManifest", "stale_manifests", "write_manifests"]

_GENERATOR = "trunkline.manifest.generate"
_WORKERS = 2


@dataclass(frozen=True)
class StaleManifest:
    """A committed manifest that no longer says what the declaration says."""

    service: str
    path: Path
    generated: str
    """The content that it should have."""


def stale_manifests(root: Path, remembered: Path | None = None) -> tuple[StaleManifest, ...]:
    """Compare every service's committed manifest with its declaration.

    Args:
        root: The workspace.
        remembered: A file that remembers the sources that were found fresh the last time, so that
            unchanged ones cost nothing; None looks at everything.

    Raises:
        BadManifests: a declaration cannot be loaded.
    """
    packages = LocalPackages.scan(root)
    services = service_packages(root, packages)
    digests = {service.name: _digest(packages, service) for service in services}
    known = _read(remembered)
    changed = [service for service in services if known.get(service.name) != digests[service.name]]
    with ThreadPoolExecutor(_WORKERS) as pool:
        generated = list(pool.map(_generate, changed))
    stale = tuple(
        StaleManifest(service.name, path, text)
        for service, text in zip(changed, generated, strict=True)
        if _text(path := service.directory / FILE_NAME) != text
    )
    if remembered is not None:
        for item in stale:
            digests.pop(item.service)
        remembered.parent.mkdir(parents=True, exist_ok=True)
        remembered.write_text(json.dumps(digests, indent=2))
    return stale


def write_manifests(services: Path, stale: Sequence[StaleManifest]) -> None:
    """Bring committed manifests up to date, unless they would then contradict each other.

    Args:
        services: The folder with one folder per service.
        stale: What to write.

    Raises:
        BadManifests: they would; nothing has been written.
    """
    generated = {item.service: Manifest.model_validate_json(item.generated) for item in stale}
    others = [manifest for manifest in load(services) if manifest.service not in generated]
    check_together([*others, *generated.values()])
    for item in stale:
        item.path.write_text(item.generated, encoding="utf-8")


def service_packages(root: Path, packages: LocalPackages) -> tuple[LocalPackage, ...]:
    """The distributions that are services: those directly below ``services/``."""
    return tuple(package for package in packages if package.directory.parent == root / "services")


def _generate(service: LocalPackage) -> str:
    answer = subprocess.run(
        [sys.executable, "-m", _GENERATOR, _entry(service)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if answer.returncode != 0:
        complaint = answer.stderr.strip().splitlines() or ["it gave no reason"]
        raise BadManifests(
            f"the declaration of service {service.name} cannot be loaded: {complaint[-1]}"
        )
    return answer.stdout


def _entry(service: LocalPackage) -> str:
    configured = service.tool.get("entry")
    return str(configured or f"{service.name.replace('-', '_')}.service:service")


def _digest(packages: LocalPackages, service: LocalPackage) -> str:
    inputs = hashlib.sha256(_text(service.directory / FILE_NAME).encode())
    for package in packages.closure(service.name):
        for name, path in tree(package.sources):
            if path.suffix == ".py":
                inputs.update(f"\0{package.name}\0{name}\0".encode())
                inputs.update(path.read_bytes())
    return inputs.hexdigest()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def _read(path: Path | None) -> dict[str, str]:
    try:
        return dict(json.loads(path.read_text())) if path is not None else {}
    except (FileNotFoundError, ValueError):
        return {}
