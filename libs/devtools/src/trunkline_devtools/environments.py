"""Environments and their roots, with errors that a person can read."""

from __future__ import annotations

from collections.abc import Sequence

from trunkline.manifest import GraphError, Manifest
from trunkline_devtools.errors import BadManifests, UnknownEnvironment
from trunkline_platform.environments import EnvironmentSettings, load_environment
from trunkline_platform.errors import PlatformError
from trunkline_platform.roots import Root, roots

__all__ = ["environment_settings", "roots_of"]


def environment_settings(name: str) -> EnvironmentSettings:
    """The settings of an environment.

    Raises:
        UnknownEnvironment: there is none of that name; lists those there are.
    """
    try:
        return load_environment(name)
    except PlatformError as error:
        raise UnknownEnvironment(str(error)) from error


def roots_of(manifests: Sequence[Manifest]) -> tuple[Root, ...]:
    """The roots of an environment in an order in which they can be applied.

    Raises:
        BadManifests: the manifests allow no roots.
    """
    try:
        return roots(manifests)
    except (GraphError, PlatformError) as error:
        raise BadManifests(str(error)) from error
