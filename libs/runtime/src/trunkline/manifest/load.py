"""Reading manifests from files."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from trunkline.errors import ManifestError
from trunkline.manifest.model import Manifest

FILE_NAME = "service.json"
"""The manifest's name in a service's folder."""


def load_manifest(path: Path) -> Manifest:
    """Read one manifest.

    Raises:
        ManifestError: the file is missing, no JSON, or a field is wrong; names the file and field.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"cannot be read: {error}", file=str(path)) from error
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or None
        raise ManifestError(first["msg"], file=str(path), field=field) from error


def load_all(services: Path) -> tuple[Manifest, ...]:
    """Read the manifests ``<services>/<name>/service.json``, in the order of the folders' names.

    Raises:
        ManifestError: there is no such folder, or a manifest is broken.
    """
    if not services.is_dir():
        raise ManifestError("is no folder", file=str(services))
    return tuple(load_manifest(path) for path in sorted(services.glob(f"*/{FILE_NAME}")))
