"""The real Terraform and the real provider accept every root, and mean by it what we mean."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from trunkline_devtools.terraform import (
    fetch_provider,
    find_provider,
    find_terraform,
    provider_version,
    terraform_environment,
)
from trunkline_platform.environments import environment_names

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def terraform(repository: Path) -> Run:
    """Runs Terraform in a root's folder, initialised without its backend."""
    environment = terraform_environment(os.environ)
    found = find_terraform(environment)
    committed = repository / "terraform" / "local" / "network"
    fetched = repository / ".trunkline" / "providers"
    version = provider_version(committed)
    plugins = find_provider(version, found.flavour, environment, fetched)
    if plugins is None:
        plugins = fetch_provider(found, committed, environment, fetched, lambda _: None)

    def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*found.command, f"-chdir={root}", *arguments, "-no-color"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    def initialised(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        result = run(root, "init", "-backend=false", "-input=false", f"-plugin-dir={plugins}")
        return run(root, *arguments) if result.returncode == 0 else result

    return initialised


@pytest.fixture(scope="session")
def copies(shop: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every root in a folder of its own, so that nothing is left in the clone."""
    folder = tmp_path_factory.mktemp("roots")
    found = {}
    for environment, roots in shop.items():
        for name, root in roots.items():
            path = folder / environment / name
            path.mkdir(parents=True)
            (path / "cdk.tf.json").write_text(root.text, encoding="utf-8")
            found[f"{environment}/{name}"] = path
    return found


@pytest.fixture(scope="session")
def verdicts(terraform: Run, copies: dict[str, Path]) -> dict[str, dict[str, Any]]:
    """What ``terraform validate`` says of every root, two at a time."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        results = pool.map(lambda path: terraform(path, "validate", "-json"), copies.values())
        return {
            name: json.loads(result.stdout or json.dumps({"error": result.stderr}))
            for name, result in zip(copies, results, strict=True)
        }


@pytest.mark.parametrize("environment", environment_names())
def test_the_real_provider_accepts_every_root(
    environment: str, verdicts: dict[str, dict[str, Any]]
) -> None:
    """``terraform validate`` finds no error and no warning in any root."""
    complaints = {
        name: verdict.get("diagnostics", verdict)
        for name, verdict in verdicts.items()
        if name.startswith(f"{environment}/")
        and (not verdict.get("valid") or verdict["diagnostics"])
    }

    assert complaints == {}


@pytest.mark.parametrize("root", ["network", "orders", "payments"])
def test_an_applied_root_is_what_was_meant(
    root: str, terraform: Run, copies: dict[str, Path], tmp_path: Path
) -> None:
    """Applied on a mocked provider, a root has what ``roots/<root>.tftest.hcl`` asserts."""
    folder = tmp_path / root
    shutil.copytree(copies[f"dev/{root}"], folder, ignore=shutil.ignore_patterns(".terraform*"))
    shutil.copy(Path(__file__).parent / "roots" / f"{root}.tftest.hcl", folder)

    result = terraform(folder, "test")

    assert result.returncode == 0, result.stdout + result.stderr
