"""An environment with everything that planning, applying or destroying it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trunkline.manifest import Manifest
from trunkline_devtools.aws import Aws
from trunkline_devtools.bundles import CLOUD, BundleBuilder
from trunkline_devtools.deploy.tools import TerraformTools
from trunkline_devtools.deploy.variables import RootVariables, write_variables
from trunkline_devtools.environments import environment_settings, roots_of
from trunkline_devtools.manifests import load_manifests
from trunkline_devtools.workspace import Workspace
from trunkline_platform.roots import Root

__all__ = ["Deployment", "cloud_deployment"]

_SIDE_BY_SIDE = 4


def _nothing(_: Manifest) -> None:
    """What most environments do after a service's root was applied."""


@dataclass(frozen=True)
class Deployment:
    """An environment and the means to change it."""

    environment: str
    manifests: tuple[Manifest, ...]
    roots: tuple[Root, ...]
    """In an order in which they can be applied."""
    tools: TerraformTools
    builder: BundleBuilder
    variables: RootVariables
    aws: Aws
    side_by_side: int
    """How many roots Terraform works on at once at most."""
    after_service: Callable[[Manifest], None] = _nothing
    """Called when a service's root has been applied and released."""

    @property
    def services(self) -> dict[str, Manifest]:
        """The manifests by service."""
        return {manifest.service: manifest for manifest in self.manifests}

    def write_variables(self) -> None:
        """Write every root's variables, for Terraform commands that a person types.

        Raises:
            BundleFailed: a bundle cannot be built.
        """
        for root in self.roots:
            bundle = self.builder.build(root.name) if root.name in self.services else None
            values = self.variables.values(self.tools.directory(root.name), root.name, bundle)
            write_variables(self.tools.variables_file(root.name), values)


def cloud_deployment(
    workspace: Workspace, environment: str, say: Callable[[str], None]
) -> Deployment:
    """An environment in AWS, reached with the caller's own credentials.

    Raises:
        UnknownEnvironment: there is none of that name.
        BadManifests: the manifests do not fit together.
    """
    settings = environment_settings(environment)
    manifests = load_manifests(workspace.services)
    return Deployment(
        environment=environment,
        manifests=manifests,
        roots=roots_of(manifests),
        tools=TerraformTools(workspace, environment, None, say),
        builder=BundleBuilder(workspace.root, workspace.bundles, CLOUD),
        variables=RootVariables(CLOUD),
        aws=Aws(settings.region),
        side_by_side=_SIDE_BY_SIDE,
    )
