"""The manifests of a workspace, checked."""

from __future__ import annotations

from pathlib import Path

from trunkline.manifest import GraphError, Manifest, ManifestError, check, load_all
from trunkline_devtools.errors import BadManifests

__all__ = ["load_manifests"]


def load_manifests(services: Path) -> tuple[Manifest, ...]:
    """Every committed manifest, once it is sure that they fit together.

    Raises:
        BadManifests: one is broken, or they contradict each other.
    """
    try:
        manifests = load_all(services)
        check(manifests)
    except (ManifestError, GraphError) as error:
        raise BadManifests(" ".join(str(error).split())) from error
    if not manifests:
        raise BadManifests(f"{services} holds no service with a service.json")
    return manifests
