"""Manifests that are broken, or do not fit together, end a command with one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trunkline.manifest import Manifest, dump
from trunkline_devtools.cli import main
from trunkline_devtools.errors import BadManifests
from trunkline_devtools.manifests import StaleManifest, load_manifests, write_manifests

API = {
    "name": "api",
    "trigger": "api",
    "handler": "trunkline.entrypoints.api",
    "timeout_seconds": 10,
    "memory_mb": 512,
}


def _manifest(service: str, calls: tuple[str, ...] = (), **fields: Any) -> Manifest:
    needs = [
        {"kind": "call", "service": callee, "route": "look", "method": "GET", "path": "/look"}
        for callee in calls
    ]
    route = {"name": "look", "method": "GET", "path": "/look", "kind": "query"}
    content = {
        "service": service,
        "entry": f"{service}.service:service",
        "api": {"version": 1, "exposure": "private", "routes": [route]},
        "functions": [{**API, "needs": needs}],
        **fields,
    }
    return Manifest.model_validate(content)


def _subscriber(service: str, event: str) -> Manifest:
    return _manifest(service, subscriptions=[{"function": "api", "event": event}])


def _clone(folder: Path, *manifests: Manifest) -> Path:
    (folder / "libs").mkdir()
    (folder / "noxfile.py").touch()
    for number, manifest in enumerate(manifests):
        path = folder / "services" / f"{number}-{manifest.service}" / "service.json"
        path.parent.mkdir(parents=True)
        path.write_text(dump(manifest))
    return folder


ORDER_PLACED = "orders.order_placed.v1"
CONTRADICTIONS = {
    "two owners": (
        [
            _manifest("orders", publishes=[ORDER_PLACED]),
            _manifest("shop", publishes=[ORDER_PLACED]),
        ],
        ORDER_PLACED,
    ),
    "nobody emits": ([_subscriber("payments", "orders.order_lost.v1")], "orders.order_lost.v1"),
    "no such service": ([_manifest("shop", ("orders",))], "orders"),
    "no such route": (
        [_manifest("shop", ("orders",)), _manifest("orders", api=None)],
        "no API",
    ),
    "a cycle": ([_manifest("shop", ("orders",)), _manifest("orders", ("shop",))], "cycle"),
    "twice the same service": ([_manifest("orders"), _manifest("orders")], "orders"),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_contradiction_is_one_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line names what contradicts, and the exit code is 2."""
    manifests, message = CONTRADICTIONS[name]
    monkeypatch.chdir(_clone(tmp_path, *manifests))

    assert main(["build"]) == 2

    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_manifests_that_fit_are_loaded(tmp_path: Path) -> None:
    """All services are there, in the order of their folders."""
    clone = _clone(tmp_path, _manifest("shop", ("orders",)), _manifest("orders"))

    assert [manifest.service for manifest in load_manifests(clone / "services")] == [
        "shop",
        "orders",
    ]


def test_no_service_at_all_is_an_error(tmp_path: Path) -> None:
    """There is nothing to bring up without services."""
    (tmp_path / "services").mkdir()

    with pytest.raises(BadManifests, match="no service"):
        load_manifests(tmp_path / "services")


def _stale(clone: Path, number: int, manifest: Manifest) -> StaleManifest:
    path = clone / "services" / f"{number}-{manifest.service}" / "service.json"
    return StaleManifest(manifest.service, path, dump(manifest))


def test_a_stale_manifest_is_written(tmp_path: Path) -> None:
    """What the declaration says now is what is committed next."""
    clone = _clone(tmp_path, _manifest("orders"))
    changed = _manifest("orders", publishes=[ORDER_PLACED])

    write_manifests(clone / "services", [_stale(clone, 0, changed)])

    assert load_manifests(clone / "services") == (changed,)


def test_a_contradicting_manifest_is_not_written(tmp_path: Path) -> None:
    """The committed manifests stay sound while the declaration is put right."""
    clone = _clone(tmp_path, _manifest("orders"), _manifest("shop", publishes=[ORDER_PLACED]))
    before = load_manifests(clone / "services")
    changed = _manifest("orders", publishes=[ORDER_PLACED])

    with pytest.raises(BadManifests, match=ORDER_PLACED):
        write_manifests(clone / "services", [_stale(clone, 0, changed)])

    assert load_manifests(clone / "services") == before
