"""Writing manifests: the same declaration always gives the same bytes."""

from __future__ import annotations

import json

from trunkline.manifest.model import Manifest


def dump(manifest: Manifest) -> str:
    """The manifest as JSON: indented by two spaces, fields in the model's order."""
    content = manifest.model_dump(mode="json", exclude_none=True)
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
