"""The release step: moving aliases. Terraform publishes versions and never moves the alias."""

from __future__ import annotations

from trunkline.manifest import Manifest, names
from trunkline_devtools.aws.clients import Aws, aws_errors

__all__ = ["ALIAS", "release_newest"]

ALIAS = "live"
"""The alias that APIs and event source mappings invoke."""


def release_newest(aws: Aws, environment: str, manifest: Manifest) -> dict[str, str]:
    """Move every function's alias to its newest published version at once.

    Returns:
        The functions whose alias moved, each with its new version.

    Raises:
        CloudCallFailed: a function or its alias does not exist.
    """
    client = aws.client("lambda")
    moved: dict[str, str] = {}
    for function in manifest.functions:
        name = names.function(environment, manifest.service, function.name)
        with aws_errors(f"releasing the function {name}"):
            pages = client.get_paginator("list_versions_by_function").paginate(FunctionName=name)
            versions = [version["Version"] for page in pages for version in page["Versions"]]
            newest = str(max(int(version) for version in versions if version != "$LATEST"))
            alias = client.get_alias(FunctionName=name, Name=ALIAS)
            if alias["FunctionVersion"] != newest:
                client.update_alias(
                    FunctionName=name,
                    Name=ALIAS,
                    FunctionVersion=newest,
                    RoutingConfig={"AdditionalVersionWeights": {}},
                )
                moved[function.name] = newest
    return moved
