"""The manifests of a workspace, checked."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from trunkline.manifest import GraphError, Manifest, ManifestError, check, load_all
from trunkline_devtools.errors import BadManifests

__all__ = ["check_together", "load", "load_manifests"]


def load_manifests(services: Path) -> tuple[Manifest, ...]:
    """Every committed manifest, once it is sure that they fit together.

    Args:
        services: The folder with one folder per service.

    Raises:
        BadManifests: one is broken, they contradict each other, or there is none.
    """
    manifests = load(services)
    check_together(manifests)
    if not manifests:
        raise BadManifests(f"{services} holds no service with a service.json")
    return manifests


def load(services: Path) -> tuple[Manifest, ...]:
    """Every committed manifest, each by itself.

    Raises:
        BadManifests: one is broken.
    """
    try:
        return load_all(services)
    except ManifestError as error:
        raise BadManifests(" ".join(str(error).split())) from error


def check_together(manifests: Iterable[Manifest]) -> None:
    """Make sure that manifests fit together.

    Raises:
        BadManifests: they contradict each other; says how.
    """
    try:
        check(manifests)
    except GraphError as error:
        raise BadManifests(" ".join(str(error).split())) from error
