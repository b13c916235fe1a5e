"""Which roots there are and in which order they are applied; known without cdktn."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from trunkline.errors import CallCycle
from trunkline.manifest import CallNeed, Function, Manifest
from trunkline_platform.environments import environment_names, load_environment
from trunkline_platform.errors import ReservedServiceName, UnknownEnvironment
from trunkline_platform.roots import roots


def test_every_root_comes_after_those_that_it_depends_on(manifests: Any) -> None:
    """The order is a valid order of application."""
    seen: set[str] = set()
    for root in roots(manifests):
        assert set(root.depends_on) <= seen, root.name
        seen.add(root.name)


def test_callers_come_after_callees_and_public_services_after_edge(manifests: Any) -> None:
    """A permission names the callee's API id; a public service admits the API of edge."""
    depends = {root.name: set(root.depends_on) for root in roots(manifests)}

    assert depends == {
        "foundation": set(),
        "network": set(),
        "edge": {"foundation"},
        "messaging": set(),
        "notifications": {"foundation", "messaging", "network"},
        "orders": {"foundation", "messaging", "network"},
        "payments": {"foundation", "messaging", "network"},
        "storefront": {"edge", "foundation", "messaging", "network", "orders"},
    }


def test_parameters_are_read_only_from_roots_that_come_before(roots: Any, manifests: Any) -> None:
    """Every SSM parameter that a root reads is written by a root that it depends on."""
    from trunkline_platform.roots import roots as ordered

    written = {
        name: {
            parameter["name"].split("/", 3)[3]
            for parameter in root.all("aws_ssm_parameter").values()
        }
        for name, root in roots.items()
    }
    for root in ordered(manifests):
        known = {name for before in root.depends_on for name in written[before]}
        data = roots[root.name].json.get("data", {}).get("aws_ssm_parameter", {})
        read = {parameter["name"].split("/", 3)[3] for parameter in data.values()}
        assert read <= known, root.name


def test_a_service_cannot_take_the_name_of_a_platform_root() -> None:
    """Its folder and state would be those of the platform's root."""
    function = Function(name="api", trigger="api", handler="a.b", timeout_seconds=1, memory_mb=128)
    manifest = Manifest(service="network", entry="n.s:service", functions=(function,))

    with pytest.raises(ReservedServiceName):
        roots([manifest])


def test_a_cycle_of_calls_has_no_order(sample_manifests: Any) -> None:
    """Two services that call each other are refused and named."""
    sample, other = sample_manifests
    back = CallNeed(service="sample", route="x", method="GET", path="/x")
    api = other.api.model_copy(
        update={"routes": (other.api.routes[0].model_copy(update={"name": "x", "path": "/x"}),)}
    )
    cyclic = other.model_copy(
        update={
            "functions": (
                other.functions[0].model_copy(update={"needs": (back,)}),
                *other.functions[1:],
            )
        }
    )

    with pytest.raises(CallCycle):
        roots([sample.model_copy(update={"api": api}), cyclic])


def test_unknown_environment_lists_the_known() -> None:
    """The error says what would have been right."""
    with pytest.raises(UnknownEnvironment) as refused:
        load_environment("prod")
    assert refused.value.known == environment_names() == ("local", "dev")


@pytest.mark.parametrize("module", ["environments", "settings", "roots", "errors", "endpoints"])
def test_tools_need_no_cdktn(module: str) -> None:
    """What ./dev up asks the platform imports neither cdktn nor Node."""
    check = (
        f"import sys, trunkline_platform.{module}; "
        "sys.exit(any(name.split('.')[0] in {'cdktn', 'jsii', 'boto3'} for name in sys.modules))"
    )

    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
