"""What every root has in common: provider, backend, tags and versions."""

from __future__ import annotations

from typing import Any

import jsii
from cdktn import (
    LocalBackend,
    S3Backend,
    TerraformElement,
    TerraformStack,
    TerraformVariable,
)
from cdktn_provider_aws.provider import AwsProvider, AwsProviderDefaultTags
from constructs import Construct, Node

from trunkline.manifest.names import PROJECT
from trunkline_platform.aws import Aws
from trunkline_platform.settings import EnvironmentSettings, LocalState

__all__ = ["PROVIDER_VERSION", "TERRAFORM_VERSION", "RootStack", "api_url_template", "logical_id"]

PROVIDER_VERSION = "= 5.100.0"
"""What is tested is what is pinned. The bindings are of AWS 6.x: use arguments that both have."""

TERRAFORM_VERSION = ">= 1.11"
"""The first with native locking of S3 state."""


def logical_id(path: str) -> str:
    """The Terraform name of an element, from its path in the construct tree."""
    parts = path.split("/")[1:]
    if len(parts) > 1 and parts[-1] == "this":
        parts.pop()
    return "_".join(parts)


class RootStack(TerraformStack):
    """One Terraform root module with a state of its own.

    Logical ids are the construct ids joined by underscores, without a digest: they are a public
    contract, because a changed id replaces the resource. A construct's main resource is called
    ``this`` and takes the construct's own id.
    """

    def __init__(self, scope: Construct, root: str, settings: EnvironmentSettings) -> None:
        super().__init__(scope, root)
        self.root = root
        self.settings = settings
        self.aws = Aws(settings)
        self._provider()
        self._backend()
        self.add_override("terraform.required_version", TERRAFORM_VERSION)
        self.add_override(
            "terraform.required_providers.aws",
            {"source": "hashicorp/aws", "version": PROVIDER_VERSION},
        )

    @jsii.member(jsii_name="allocateLogicalId")
    def _allocate_logical_id(self, tf_element: TerraformElement | Node) -> str:
        node = tf_element if isinstance(tf_element, Node) else tf_element.node
        return logical_id(node.path)

    def _provider(self) -> None:
        emulator: dict[str, Any] = {}
        if self.settings.emulated:
            emulator = {
                "s3_use_path_style": True,
                "skip_credentials_validation": True,
                "skip_metadata_api_check": "true",
                "skip_region_validation": True,
            }
        tags = {
            "project": PROJECT,
            "environment": self.settings.name,
            "root": self.root,
            "owner": self.settings.owner,
        }
        AwsProvider(
            self,
            "aws",
            region=self.settings.region,
            allowed_account_ids=[self.settings.account_id],
            default_tags=[AwsProviderDefaultTags(tags=tags)],
            **emulator,
        )

    def _backend(self) -> None:
        state = self.settings.state
        if isinstance(state, LocalState):
            LocalBackend(self, path=f"{state.directory}/{self.root}.tfstate")
            return
        S3Backend(
            self,
            bucket=state.bucket,
            key=f"{self.settings.name}/{self.root}.tfstate",
            region=self.settings.region,
            encrypt=True,
            use_lockfile=True,
        )


def api_url_template(stack: TerraformStack) -> str:
    """The variable ``api_url_template``: how an API's address is made from its id."""
    return TerraformVariable(
        stack,
        "api_url_template",
        type="string",
        default="https://{api}.execute-api.{region}.amazonaws.com/{stage}",
        description="How the address of an API is made from its id, the region and the stage",
    ).string_value
