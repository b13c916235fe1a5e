"""Terraform made ready for an environment: found, provider at hand, credentials set."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

from trunkline_devtools.aws import Aws
from trunkline_devtools.errors import InputError
from trunkline_devtools.terraform import (
    RootRunner,
    Terraform,
    fetch_provider,
    find_provider,
    find_terraform,
    provider_version,
    terraform_environment,
)
from trunkline_devtools.workspace import Workspace

__all__ = ["TerraformTools"]

_PARALLELISM = 30
"""Most of a local apply is the provider waiting; AWS's own rate limits are far above this too."""


class TerraformTools:
    """Makes runners for the roots of one environment. Nothing is looked for before the first one.

    Args:
        workspace: The clone.
        environment: The environment's name.
        aws: Where Terraform's AWS is; None takes the caller's own credentials and profile.
        say: Told what takes long.
    """

    def __init__(
        self, workspace: Workspace, environment: str, aws: Aws | None, say: Callable[[str], None]
    ) -> None:
        self._workspace = workspace
        self._environment = environment
        self._aws = aws
        self._say = say
        self._lock = threading.Lock()
        self._ready: tuple[Terraform, Path] | None = None

    def prepare(self) -> None:
        """Find Terraform and the provider now rather than at the first root.

        Raises:
            InputError: there are no roots, no Terraform, or no provider.
        """
        with self._lock:
            if self._ready is not None:
                return
            variables = terraform_environment(os.environ)
            terraform = find_terraform(variables)
            root = self._any_root()
            fetched = self._workspace.providers
            plugins = find_provider(
                provider_version(root), terraform.flavour, variables, fetched
            ) or fetch_provider(terraform, root, variables, fetched, self._say)
            self._ready = (terraform, plugins)

    def runner(self, root: str) -> RootRunner:
        """What runs Terraform on one root.

        Raises:
            InputError: as for :meth:`prepare`, or the root was never synthesised.
        """
        self.prepare()
        assert self._ready is not None  # noqa: S101 - prepare() has set it
        terraform, plugins = self._ready
        work = self._workspace.terraform_work(self._environment)
        variables_file = work / f"{root}.tfvars.json"
        return RootRunner(
            name=root,
            terraform=terraform,
            directory=self.directory(root),
            data_dir=work / "data" / root,
            environment=terraform_environment(
                os.environ, self._aws.environment() if self._aws else None
            ),
            plugin_dir=plugins,
            variables_file=variables_file if variables_file.is_file() else None,
            parallelism=_PARALLELISM,
        )

    def directory(self, root: str) -> Path:
        """The folder of a root.

        Raises:
            InputError: the root was never synthesised.
        """
        folder = self._workspace.terraform(self._environment) / root
        if not (folder / "cdk.tf.json").is_file():
            missing = f"terraform/{self._environment}/{root}/cdk.tf.json"
            raise InputError(f"{missing} is missing; write it with: ./dev synth")
        return folder

    def variables_file(self, root: str) -> Path:
        """Where the values of a root's variables are written."""
        return self._workspace.terraform_work(self._environment) / f"{root}.tfvars.json"

    def _any_root(self) -> Path:
        folder = self._workspace.terraform(self._environment)
        for path in sorted(folder.glob("*/cdk.tf.json")):
            return path.parent
        raise InputError(f"terraform/{self._environment} has no root; write them with: ./dev synth")
