"""The services' manifests: generated, compared, loaded."""

from trunkline_devtools.manifests.generate import StaleManifest, stale_manifests, write_manifests
from trunkline_devtools.manifests.load import load_manifests

__all__ = ["StaleManifest", "load_manifests", "stale_manifests", "write_manifests"]
