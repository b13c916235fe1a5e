"""The values of Terraform variables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from trunkline_devtools.bundles import Bundle, Target
from trunkline_devtools.deploy import LOCAL_API_URL, RootVariables
from trunkline_devtools.deploy.variables import inputs_digest

TARGET = Target("python3.12", "x86_64", host=True)
BUNDLE = Bundle("payments", Path("payments.zip"), b"\0" * 32)


def _root(folder: Path, variables: dict[str, Any]) -> Path:
    (folder / "cdk.tf.json").write_text(json.dumps({"variable": variables}))
    return folder


def test_only_declared_variables_get_values(tmp_path: Path) -> None:
    """Terraform warns about values for variables that a root does not have."""
    root = _root(tmp_path, {"architecture": {}})

    assert RootVariables(TARGET).values(root, "payments", BUNDLE) == {"architecture": "x86_64"}


def test_a_bundle_is_given_by_key_and_hash(tmp_path: Path) -> None:
    """Lambda reads the key from the bucket and compares the hash."""
    root = _root(tmp_path, {"bundle": {}, "runtime": {}})

    assert RootVariables(TARGET).values(root, "payments", BUNDLE) == {
        "bundle": {"key": BUNDLE.key, "sha256": BUNDLE.code_hash},
        "runtime": "python3.12",
    }


def test_settings_complete_the_environments_own(tmp_path: Path) -> None:
    """What the environment's file says stays unless it is replaced."""
    root = _root(tmp_path, {"settings": {"default": {"provider-url": "a", "currency": "EUR"}}})
    variables = RootVariables(TARGET, settings={"payments": {"provider-url": "b"}})

    assert variables.values(root, "payments", None) == {
        "settings": {"provider-url": "b", "currency": "EUR"}
    }
    assert variables.values(root, "orders", None) == {}


def test_the_local_address_leaves_api_and_stage_to_terraform(tmp_path: Path) -> None:
    """Only the endpoint is filled in."""
    template = LOCAL_API_URL.format(endpoint="http://127.0.0.1:4566")

    assert template == "http://127.0.0.1:4566/restapis/{api}/{stage}/_user_request_"


@pytest.mark.parametrize("changed", ["json", "values"])
def test_every_input_changes_the_digest(changed: str, tmp_path: Path) -> None:
    """A root is applied again when its JSON or one of its values differs."""
    root = _root(tmp_path, {"bundle": {}})
    before = inputs_digest(root, {"runtime": "python3.12"})
    if changed == "json":
        _root(tmp_path, {"bundle": {}, "runtime": {}})
    values = {"runtime": "python3.13" if changed == "values" else "python3.12"}

    assert inputs_digest(root, values) != before
    assert inputs_digest(root, values) == inputs_digest(root, values)
