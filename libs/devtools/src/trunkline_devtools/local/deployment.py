"""The environment ``local`` as something to plan, apply and destroy."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from trunkline.manifest import Manifest
from trunkline_devtools.aws import Aws, has_secret_value, write_secret
from trunkline_devtools.bundles import BundleBuilder, this_machine
from trunkline_devtools.deploy import LOCAL_API_URL, Deployment, RootVariables, TerraformTools
from trunkline_devtools.local.platform import LocalPlatform
from trunkline_devtools.workspace import LOCAL

__all__ = ["local_deployment"]


def local_deployment(platform: LocalPlatform, aws: Aws, say: Callable[[str], None]) -> Deployment:
    """The environment on the running local cloud; functions run under this interpreter."""
    target = this_machine()
    workspace = platform.workspace
    return Deployment(
        environment=LOCAL,
        manifests=platform.manifests,
        roots=platform.roots,
        tools=TerraformTools(workspace, LOCAL, aws, say),
        builder=BundleBuilder(workspace.root, workspace.bundles, target),
        variables=RootVariables(
            target,
            api_url_template=LOCAL_API_URL.format(endpoint=aws.endpoint),
            settings=_settings(platform),
        ),
        aws=aws,
        side_by_side=len(platform.roots),
        after_service=lambda manifest: _write_secrets(platform, aws, manifest),
    )


def _settings(platform: LocalPlatform) -> dict[str, dict[str, str]]:
    settings: dict[str, dict[str, str]] = {}
    for companion in platform.companions:
        url = companion.url()
        if companion.setting is not None and url is not None:
            settings.setdefault(companion.service, {})[companion.setting] = url
    return settings


def _write_secrets(platform: LocalPlatform, aws: Aws, manifest: Manifest) -> None:
    """Give every declared secret a first value: the key that a process expects, or a random one."""
    keys = {
        companion.secret: companion.api_key
        for companion in platform.companions
        if companion.service == manifest.service and companion.secret is not None
    }
    for secret in manifest.secrets:
        # A value that is there stays: it may have been rotated since.
        if not has_secret_value(aws, LOCAL, manifest.service, secret.name):
            value = keys.get(secret.name) or secrets.token_urlsafe(32)
            write_secret(aws, LOCAL, manifest.service, secret.name, value)
