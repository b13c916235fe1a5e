"""The environment variables that a Terraform process gets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

__all__ = ["terraform_environment"]

_CLI_CONFIG = "TF_CLI_CONFIG_FILE"


def terraform_environment(
    inherited: Mapping[str, str], aws: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The caller's variables, made fit for running Terraform without a person.

    Args:
        inherited: The caller's variables.
        aws: ``AWS_*`` variables that replace every inherited one, so that a profile or a session
            token of the caller never reaches the local cloud. Without it the caller's stay.
    """
    variables = dict(inherited)
    config = variables.get(_CLI_CONFIG)
    if config is not None and not Path(config).is_file():
        # Terraform warns on every run about a configuration file that is not there.
        del variables[_CLI_CONFIG]
    for name in [name for name in variables if name.startswith(("TF_CLI_ARGS", "TF_VAR_"))]:
        del variables[name]
    for name in ("TF_WORKSPACE", "TF_DATA_DIR", "TF_REATTACH_PROVIDERS"):
        variables.pop(name, None)
    if aws is not None:
        for name in [name for name in variables if name.startswith("AWS_")]:
            del variables[name]
        variables.update(aws)
        variables["AWS_EC2_METADATA_DISABLED"] = "true"
    variables["TF_IN_AUTOMATION"] = "1"
    variables["TF_INPUT"] = "0"
    variables["CHECKPOINT_DISABLE"] = "1"
    # The provider is short-lived and allocates a lot while it describes 1,500 resource types: rarer
    # garbage collection saves a fifth of its processor time.
    variables.setdefault("GOGC", "400")
    return variables
