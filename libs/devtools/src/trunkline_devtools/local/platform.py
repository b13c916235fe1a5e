"""The platform of this machine: its files, its services, its roots, its processes, in one place."""

from __future__ import annotations

import secrets
import shutil
from dataclasses import dataclass
from functools import cached_property

from trunkline.manifest import Manifest
from trunkline_devtools.aws import Aws, Customer, Parameters, SpanReader, Tokens, sign_in
from trunkline_devtools.bundles import LocalPackages
from trunkline_devtools.environments import roots_of
from trunkline_devtools.files import read_json, write_json
from trunkline_devtools.local.cloud import aws_of, running
from trunkline_devtools.local.processes import Companion, companions
from trunkline_devtools.local.record import RecordFile
from trunkline_devtools.manifests import load_manifests
from trunkline_devtools.workspace import LOCAL, Workspace
from trunkline_platform.environments import EnvironmentSettings, load_environment
from trunkline_platform.roots import Root

__all__ = ["LocalPlatform", "RunningPlatform"]

_CUSTOMER = "ada@customer.example"


@dataclass(frozen=True)
class LocalPlatform:
    """The platform of one clone, whether it runs or not."""

    workspace: Workspace

    @property
    def settings(self) -> EnvironmentSettings:
        """The environment's settings."""
        return load_environment(LOCAL)

    @cached_property
    def manifests(self) -> tuple[Manifest, ...]:
        """The services; :class:`BadManifests` when they do not fit together."""
        return load_manifests(self.workspace.services)

    @cached_property
    def roots(self) -> tuple[Root, ...]:
        """The Terraform roots in an order in which they can be applied."""
        return roots_of(self.manifests)

    @cached_property
    def companions(self) -> tuple[Companion, ...]:
        """The processes that run beside the cloud."""
        packages = LocalPackages.scan(self.workspace.root)
        services = [packages[manifest.service] for manifest in self.manifests]
        return companions(services, self.workspace.processes)

    @cached_property
    def record(self) -> RecordFile:
        """What is remembered between commands."""
        return RecordFile(self.workspace.platform_file)

    def customer(self) -> Customer:
        """The test customer, whose password is made when first asked for."""
        known = read_json(self.workspace.customer_file)
        if known is None:
            # Cognito's default policy wants upper and lower case, a digit and a symbol.
            known = {"username": _CUSTOMER, "password": f"Aa1-{secrets.token_urlsafe(18)}"}
            write_json(self.workspace.customer_file, known)
        return Customer(known["username"], known["password"])

    def running(self) -> RunningPlatform:
        """The platform, ready for calls.

        Raises:
            NothingRuns: it does not run.
        """
        return RunningPlatform(self, aws_of(running(self.workspace.cloud)))

    def forget(self) -> None:
        """Remove every trace of it: state, keys, customers, ledgers. It must not be running."""
        shutil.rmtree(self.workspace.local, ignore_errors=True)


@dataclass(frozen=True)
class RunningPlatform:
    """The platform while it runs."""

    platform: LocalPlatform
    aws: Aws

    @property
    def parameters(self) -> Parameters:
        """What the roots say of themselves."""
        return Parameters(self.aws, LOCAL)

    @property
    def spans(self) -> SpanReader:
        """The spans of all functions."""
        return SpanReader(self.aws, LOCAL, self.platform.manifests)

    @property
    def public_url(self) -> str:
        """Address of the public API."""
        return self.parameters.read("edge", "public-url")

    def sign_in(self) -> Tokens:
        """Sign the test customer in."""
        client = self.parameters.read("edge", "client-id")
        return sign_in(self.aws, client, self.platform.customer())
