"""The composition root: manifests and settings in, Terraform JSON out."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cdktn import App

from trunkline.manifest import Manifest, check
from trunkline_platform.errors import SettingsError
from trunkline_platform.roots import roots
from trunkline_platform.settings import EnvironmentSettings
from trunkline_platform.stacks.edge import EdgeStack
from trunkline_platform.stacks.foundation import FoundationStack
from trunkline_platform.stacks.messaging import MessagingStack
from trunkline_platform.stacks.network import NetworkStack
from trunkline_platform.stacks.service import ServiceStack

__all__ = ["synthesize"]

_CONTEXT = {"targetVersions": {"terraform": ">=1.11.0", "opentofu": ">=1.11.0"}}
"""cdktn refuses what these versions cannot do."""


def synthesize(settings: EnvironmentSettings, manifests: Sequence[Manifest]) -> dict[str, str]:
    """The Terraform JSON of every root of one environment, by the root's name.

    The same manifests and settings give the same text, wherever and whenever.

    Raises:
        trunkline.manifest.GraphError: the manifests do not fit together.
        PlatformError: the settings or names do not fit the manifests.
    """
    services = sorted(manifests, key=lambda manifest: manifest.service)
    graph = check(services)
    expected = {root.name for root in roots(services)}
    _check_settings(settings, services)
    with tempfile.TemporaryDirectory() as directory:
        app = App(outdir=directory, stack_traces=False, context=_CONTEXT)
        NetworkStack(app, settings, services)
        FoundationStack(app, settings)
        MessagingStack(app, settings, services)
        for manifest in services:
            ServiceStack(app, settings, manifest, graph)
        EdgeStack(app, settings, services)
        app.synth()
        return {
            name: _text(Path(directory, "stacks", name, "cdk.tf.json")) for name in sorted(expected)
        }


def _text(path: Path) -> str:
    """A root's JSON without cdktn's notes to itself, which hold versions and construct paths."""
    content = _without_notes(json.loads(path.read_text(encoding="utf-8")))
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _without_notes(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_notes(child) for key, child in value.items() if key != "//"}
    if isinstance(value, list):
        return [_without_notes(child) for child in value]
    return value


def _check_settings(settings: EnvironmentSettings, manifests: Sequence[Manifest]) -> None:
    """Settings of services that are not there are left alone: environments outlive services."""
    for manifest in manifests:
        given = settings.service_settings.get(manifest.service, {})
        declared = {setting.name for setting in manifest.settings}
        for name in sorted(set(given) - declared):
            raise SettingsError(
                settings.name,
                f"service_settings[{manifest.service!r}][{name!r}]",
                f"is no setting of the service, which declares: {', '.join(sorted(declared))}",
            )
