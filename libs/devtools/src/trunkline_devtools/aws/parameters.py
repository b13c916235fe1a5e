"""What the Terraform roots say of themselves, in SSM parameters."""

from __future__ import annotations

from botocore.exceptions import ClientError

from trunkline.manifest import names
from trunkline_devtools.aws.clients import Aws, aws_errors, error_code

__all__ = ["Parameters"]

_GENERATION = ("tools", "generation")


class Parameters:
    """The parameters of one environment."""

    def __init__(self, aws: Aws, environment: str) -> None:
        self._ssm = aws.client("ssm")
        self._environment = environment

    def read(self, *path: str) -> str:
        """The value of the parameter, for example ``read("edge", "public-url")``.

        Raises:
            CloudCallFailed: there is none.
        """
        name = names.parameter(self._environment, *path)
        with aws_errors(f"reading the parameter {name}"):
            return str(self._ssm.get_parameter(Name=name)["Parameter"]["Value"])

    def all(self) -> dict[str, str]:
        """Every parameter of the environment by its name below the environment."""
        prefix = names.parameter(self._environment)
        found: dict[str, str] = {}
        with aws_errors(f"reading the parameters below {prefix}"):
            pages = self._ssm.get_paginator("get_parameters_by_path").paginate(
                Path=prefix, Recursive=True
            )
            for page in pages:
                for parameter in page["Parameters"]:
                    found[parameter["Name"].removeprefix(f"{prefix}/")] = parameter["Value"]
        return found

    def generation(self) -> str | None:
        """The mark of the last apply, or None when the cloud does not remember one."""
        name = names.parameter(self._environment, *_GENERATION)
        with aws_errors(f"reading the parameter {name}"):
            try:
                return str(self._ssm.get_parameter(Name=name)["Parameter"]["Value"])
            except ClientError as error:
                if error_code(error) == "ParameterNotFound":
                    return None
                raise

    def set_generation(self, value: str) -> None:
        """Mark the cloud, so that one which has forgotten its state is recognised."""
        name = names.parameter(self._environment, *_GENERATION)
        with aws_errors(f"writing the parameter {name}"):
            self._ssm.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)

    def forget_generation(self) -> None:
        """Remove the mark."""
        name = names.parameter(self._environment, *_GENERATION)
        with aws_errors(f"removing the parameter {name}"):
            self._ssm.delete_parameters(Names=[name])
