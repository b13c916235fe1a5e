"""The real Terraform with the real AWS provider applies, plans no change, and destroys.

The provider is found in ``TF_PLUGIN_DIR``, else among the plugins that Terraform has downloaded
before; else Terraform downloads it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trunkline_localcloud import LocalCloud

Client = Callable[..., Any]
_HERE = Path(__file__).parent
_NO_CHANGES = 0
_PLUGIN_DIRECTORIES = (
    "~/.terraform.d/plugins",
    "~/.terraform.d/plugin-cache",
    "/usr/local/share/terraform/plugins",
    *map(str, Path("/opt").glob("*")),
)


def _plugin_directory() -> str | None:
    for candidate in (os.environ.get("TF_PLUGIN_DIR"), *_PLUGIN_DIRECTORIES):
        if candidate:
            directory = Path(candidate).expanduser()
            if any(directory.rglob("terraform-provider-aws*")):
                return str(directory)
    return None


class Terraform:
    """Terraform in a directory of its own, on one cloud."""

    def __init__(self, directory: Path, cloud: LocalCloud, **variables: str) -> None:
        self._directory = directory
        given = {
            "endpoint": cloud.endpoint,
            "region": cloud.region,
            "access_key": cloud.admin_access_key,
            "secret_key": cloud.admin_secret_key,
            **variables,
        }
        (directory / "terraform.tfvars.json").write_text(json.dumps(given))
        plugins = _plugin_directory()
        self.run("init", *([f"-plugin-dir={plugins}"] if plugins else []))

    def run(self, command: str, *arguments: str, accepted: tuple[int, ...] = (0,)) -> str:
        """Run a command and return what it said."""
        program = shutil.which("terraform")
        assert program is not None, "terraform is not on PATH"
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("TF_", "AWS_"))}
        ended = subprocess.run(
            [program, command, "-input=false", "-no-color", *arguments],
            cwd=self._directory,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        output = f"{ended.stdout}\n{ended.stderr}"
        assert ended.returncode in accepted, output
        return output


def _round_trip(terraform: Terraform) -> None:
    terraform.run("apply", "-auto-approve", "-parallelism=40")
    terraform.run("plan", "-detailed-exitcode", "-parallelism=40", accepted=(_NO_CHANGES,))
    terraform.run("destroy", "-auto-approve", "-parallelism=40")


@pytest.mark.slow
def test_a_platform_round_trips(
    cloud: LocalCloud, client: Client, package: Callable[..., bytes], tmp_path: Path
) -> None:
    """Network, security, data, functions, APIs and observability apply, stay, and go."""
    bundle = tmp_path / "echo.zip"
    bundle.write_bytes(package(echo="def handler(event, context): return {'statusCode': 200}"))
    directory = tmp_path / "root"
    shutil.copytree(_HERE / "roundtrip", directory)
    _round_trip(Terraform(directory, cloud, bundle=str(bundle)))
    assert client("sqs").list_queues(QueueNamePrefix="roundtrip").get("QueueUrls", []) == []
    assert client("cloudwatch").describe_alarms(AlarmNamePrefix="roundtrip")["MetricAlarms"] == []


@pytest.mark.slow
def test_slow_kinds_round_trip(cloud: LocalCloud, tmp_path: Path) -> None:
    """A Kinesis stream and a bucket's lifecycle apply, stay, and go."""
    directory = tmp_path / "root"
    shutil.copytree(_HERE / "roundtrip_slow", directory)
    _round_trip(Terraform(directory, cloud))
