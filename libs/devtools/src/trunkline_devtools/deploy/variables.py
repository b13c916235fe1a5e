"""The values of Terraform variables: everything that the committed JSON must not hold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trunkline_devtools.bundles import Bundle, Target
from trunkline_devtools.files import write_json

__all__ = ["LOCAL_API_URL", "RootVariables", "inputs_digest", "write_variables"]

LOCAL_API_URL = "{endpoint}/restapis/{{api}}/{{stage}}/_user_request_"
"""How the local cloud addresses a REST API; ``{api}`` and ``{stage}`` are left for Terraform."""


@dataclass(frozen=True)
class RootVariables:
    """Where the values of every root's variables come from."""

    target: Target
    api_url_template: str | None = None
    """None takes the JSON's own default."""
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Values of settings that replace or complete the JSON's, by service."""

    def values(self, directory: Path, root: str, bundle: Bundle | None) -> dict[str, Any]:
        """The values for one root: only variables that its JSON declares.

        Args:
            directory: The root's folder.
            root: Its name, for services the service's.
            bundle: The service's bundle; None for roots of the platform.
        """
        declared = json.loads((directory / "cdk.tf.json").read_text()).get("variable", {})
        offered: dict[str, Any] = {
            "architecture": self.target.architecture,
            "runtime": self.target.runtime,
        }
        if bundle is not None:
            offered["bundle"] = {"key": bundle.key, "sha256": bundle.code_hash}
        if self.api_url_template is not None:
            offered["api_url_template"] = self.api_url_template
        if own := self.settings.get(root):
            default = declared.get("settings", {}).get("default") or {}
            offered["settings"] = {**default, **own}
        return {name: value for name, value in sorted(offered.items()) if name in declared}


def write_variables(path: Path, values: Mapping[str, Any]) -> None:
    """Write a ``.tfvars.json`` file."""
    write_json(path, dict(values))


def inputs_digest(directory: Path, values: Mapping[str, Any]) -> str:
    """Tells whether applying a root again could change anything."""
    inputs = hashlib.sha256((directory / "cdk.tf.json").read_bytes())
    inputs.update(json.dumps(values, sort_keys=True).encode())
    return inputs.hexdigest()
