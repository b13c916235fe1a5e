"""Finding Terraform and its provider, and what its processes are given."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from trunkline_devtools.errors import TerraformMissing
from trunkline_devtools.terraform import binary as binary_module
from trunkline_devtools.terraform import (
    find_provider,
    find_terraform,
    provider_version,
    terraform_environment,
)
from trunkline_devtools.terraform.binary import parse_version
from trunkline_devtools.terraform.providers import PLUGIN_DIR, provider_platform


def _program(folder: Path, name: str, version: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{json.dumps({'terraform_version': version})}'\n")
    path.chmod(0o755)


def test_terraform_on_the_path_is_taken(tmp_path: Path) -> None:
    """A new enough Terraform on PATH is used as it is."""
    _program(tmp_path / "bin", "terraform", "1.12.1")

    found = find_terraform({"PATH": str(tmp_path / "bin")})

    assert found.command == (str(tmp_path / "bin" / "terraform"),)
    assert found.version == (1, 12, 1)


def test_an_old_terraform_gives_way_to_tofu(tmp_path: Path) -> None:
    """OpenTofu is taken when Terraform is too old."""
    _program(tmp_path / "bin", "terraform", "1.5.7")
    _program(tmp_path / "bin", "tofu", "1.11.0")

    assert find_terraform({"PATH": str(tmp_path / "bin")}).flavour == "tofu"


def test_an_old_terraform_alone_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says which version is needed and which was found."""
    _program(tmp_path / "bin", "terraform", "1.5.7")
    monkeypatch.setattr(binary_module, "_EMBEDDED", "no_such_module")

    with pytest.raises(TerraformMissing, match=r"1\.11 or newer is needed; found: .*\(1\.5\.7\)"):
        find_terraform({"PATH": str(tmp_path / "bin")})


def test_versions_compare_as_numbers() -> None:
    """1.9 is older than 1.11, and a preview counts as its release."""
    assert parse_version("1.9.8") < parse_version("1.11.0")
    assert parse_version("1.12.0-beta1") == (1, 12, 0)


def _provider(folder: Path, host: str, version: str) -> None:
    package = folder / host / "hashicorp" / "aws" / version / provider_platform()
    package.mkdir(parents=True)
    (package / f"terraform-provider-aws_v{version}").touch()


def test_the_provider_is_found_by_version_and_platform(tmp_path: Path) -> None:
    """A folder counts only if it has the very version for this machine."""
    _provider(tmp_path / "plugins", "registry.example", "5.100.0")
    environment = {PLUGIN_DIR: str(tmp_path / "plugins")}

    found = find_provider("5.100.0", "terraform", environment, tmp_path / "fetched")

    assert found == tmp_path / "plugins"


def test_a_provider_for_tofu_does_not_serve_terraform(tmp_path: Path) -> None:
    """The two flavours know the provider by different addresses."""
    _provider(tmp_path / "fetched", "registry.opentofu.example", "9.9.9")

    assert find_provider("9.9.9", "terraform", {}, tmp_path / "fetched") is None
    assert find_provider("9.9.9", "tofu", {}, tmp_path / "fetched") == tmp_path / "fetched"


def test_the_pinned_version_is_read_from_the_root(tmp_path: Path) -> None:
    """An exact constraint is the version."""
    content = {"terraform": {"required_providers": {"aws": {"version": "= 5.100.0"}}}}
    (tmp_path / "cdk.tf.json").write_text(json.dumps(content))

    assert provider_version(tmp_path) == "5.100.0"


def test_no_inherited_key_reaches_the_local_cloud() -> None:
    """Every AWS variable of the caller is replaced, a session token too."""
    variables = terraform_environment(
        {"AWS_PROFILE": "production", "AWS_SESSION_TOKEN": "token", "PATH": "/bin"},
        {"AWS_ACCESS_KEY_ID": "local"},
    )

    assert {name for name in variables if name.startswith("AWS_")} == {
        "AWS_ACCESS_KEY_ID",
        "AWS_EC2_METADATA_DISABLED",
    }
    assert variables["PATH"] == "/bin"


def test_the_callers_keys_stay_for_other_environments() -> None:
    """Without keys of our own, Terraform gets the caller's profile."""
    assert terraform_environment({"AWS_PROFILE": "dev"})["AWS_PROFILE"] == "dev"


def test_a_configuration_file_that_is_not_there_is_dropped(tmp_path: Path) -> None:
    """Terraform would warn about it on every run; one that is there stays."""
    there = tmp_path / "terraformrc"
    there.touch()

    assert "TF_CLI_CONFIG_FILE" not in terraform_environment(
        {"TF_CLI_CONFIG_FILE": os.fspath(tmp_path / "gone")}
    )
    assert "TF_CLI_CONFIG_FILE" in terraform_environment({"TF_CLI_CONFIG_FILE": os.fspath(there)})
