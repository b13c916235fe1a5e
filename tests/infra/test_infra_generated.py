"""The committed Terraform is what synthesis gives, the same for everybody."""

from __future__ import annotations

import json
import platform as stdlib_platform
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from trunkline_platform.environments import load_environment
from trunkline_platform.synth import write_roots

FORBIDDEN = {
    "a registry": r"(?i)registry",
    "an address but AWS's and the services' own": r"https?://(?![^/\\\"]*(?:amazonaws\.com|\.example)[/\\\"])",
    "a loopback address or port": r"127\.0\.0\.1|localhost|:4566",
    "a path of a machine": r'"/(home|Users|root|tmp|work|opt|var)/',
    "cdktn's metadata": r'"//"|uniqueId|stackName|TfToken',
    "an access key": r"AKIA|ASIA|aws_secret_access_key|secret_key",
    "a digest": r"\b[0-9a-f]{40,}\b",
}


def _synth(services: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = ["-m", "trunkline_platform.synth", "--services", str(services), "--out", str(out)]
    return subprocess.run(
        [sys.executable, *command, *more], capture_output=True, text=True, check=False
    )


def _files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in sorted(folder.glob("*/*/cdk.tf.json"))
    }


def test_committed_terraform_is_fresh(repository: Path, shop: dict[str, Any]) -> None:
    """terraform/ holds exactly what the committed manifests and settings give."""
    fresh = {
        f"{environment}/{name}/cdk.tf.json": root.text
        for environment, roots in shop.items()
        for name, root in roots.items()
    }

    assert _files(repository / "terraform") == fresh


def test_two_directories_give_the_same_bytes(repository: Path, tmp_path: Path) -> None:
    """Synthesis in another process, directory and order of files gives identical bytes."""
    services = tmp_path / "elsewhere" / "services"
    for path in sorted((repository / "services").glob("*/service.json"), reverse=True):
        (services / path.parent.name).mkdir(parents=True)
        shutil.copy(path, services / path.parent.name)

    result = _synth(services, tmp_path / "out")

    assert result.returncode == 0, result.stderr
    assert _files(tmp_path / "out") == _files(repository / "terraform")


def test_roots_that_are_gone_lose_their_file(tmp_path: Path) -> None:
    """A service that was removed leaves no root behind that somebody might apply."""
    left_over = tmp_path / "out" / "local" / "gone" / "cdk.tf.json"
    left_over.parent.mkdir(parents=True)
    left_over.write_text("{}")

    written = write_roots([load_environment("local")], [], tmp_path / "out")

    assert not left_over.parent.exists()
    assert {path.parent.name for path in written} == {"edge", "foundation", "messaging", "network"}


def test_unknown_environment_is_one_clear_line(tmp_path: Path) -> None:
    """An unknown environment ends synthesis with exit code 2 and the names of the known ones."""
    result = _synth(tmp_path, tmp_path, "--environment", "moon")

    assert result.returncode == 2
    assert result.stderr == "synth: unknown environment 'moon'; known: local, dev\n"


@pytest.mark.parametrize("what", FORBIDDEN)
def test_json_holds_nothing_of_one_machine(what: str, roots: dict[str, Any]) -> None:
    """What differs per machine or build is a Terraform variable, or in no file at all."""
    found = {name: re.findall(FORBIDDEN[what], root.text) for name, root in roots.items()}

    assert {name: hits for name, hits in found.items() if hits} == {}


def test_every_root_pins_its_tools(roots: dict[str, Any]) -> None:
    """Terraform >= 1.11 and exactly the provider that was tested."""
    wanted = {
        "required_version": ">= 1.11",
        "required_providers": {"aws": {"source": "hashicorp/aws", "version": "= 5.100.0"}},
    }
    for root in roots.values():
        terraform = dict(root.json["terraform"])
        terraform.pop("backend")
        assert wanted == terraform, root.name


def test_every_root_has_a_state_of_its_own(shop: dict[str, Any]) -> None:
    """Local state lies in the clone, relative to the root; shared state in S3, locked by S3."""
    for name, root in shop["local"].items():
        path = f"../../../.trunkline/local/terraform/{name}.tfstate"
        assert root.json["terraform"]["backend"] == {"local": {"path": path}}
    for name, root in shop["dev"].items():
        backend = root.json["terraform"]["backend"]["s3"]
        assert backend["key"] == f"dev/{name}.tfstate"
        assert (backend["use_lockfile"], backend["encrypt"]) == (True, True)


def test_every_root_refuses_other_accounts_and_tags_everything(roots: dict[str, Any]) -> None:
    """A wrong profile cannot change another account, and costs can be told apart."""
    for name, root in roots.items():
        (provider,) = root.json["provider"]["aws"]
        ((tags,),) = (list(entry.values()) for entry in provider["default_tags"])
        assert len(provider["allowed_account_ids"]) == 1
        assert tags["root"] == name
        assert {"project", "environment", "owner"} < set(tags)


def test_environments_have_the_same_roots(shop: dict[str, Any]) -> None:
    """Environments differ in settings, not in what there is."""
    assert set(shop["local"]) == set(shop["dev"])


def test_environments_differ_in_settings_only(shop: dict[str, Any]) -> None:
    """Both environments have the same resources, but for what one setting switches on."""
    optional = {"aws_s3_bucket_lifecycle_configuration"}
    for name, root in shop["local"].items():
        local, dev = (
            {
                (kind, resource)
                for kind, resources in one.json.get("resource", {}).items()
                for resource in resources
                if kind not in optional
            }
            for one in (root, shop["dev"][name])
        )
        assert local == dev, name


@pytest.mark.parametrize("broken", ["not json", json.dumps({"service": "x"})])
def test_broken_manifest_is_one_clear_line(broken: str, tmp_path: Path) -> None:
    """A broken manifest ends synthesis with exit code 2 and one line that names the file."""
    manifest = tmp_path / "services" / "orders" / "service.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(broken)

    result = _synth(tmp_path / "services", tmp_path / "out")

    assert result.returncode == 2
    assert result.stderr.startswith("synth: ")
    assert str(manifest) in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_platform_is_the_standard_librarys() -> None:
    """The folder platform/ never shadows the standard library's module of that name."""
    assert Path(str(stdlib_platform.__file__)).parent == Path(json.__file__).parents[1]
