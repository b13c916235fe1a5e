"""Manifests: generated from declarations, written and read alike, checked against each other."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from shop_service import service

from trunkline.errors import (
    AmbiguousServiceName,
    CallCycle,
    DuplicateOwner,
    DuplicateService,
    GraphError,
    ManifestError,
    OverlappingRoutes,
    UnknownEvent,
    UnknownRoute,
    UnknownTask,
)
from trunkline.manifest import (
    Manifest,
    TableNeed,
    callers_of,
    check,
    dump,
    generate,
    load_all,
    load_manifest,
    publisher_of,
)


def manifest(name: str, **fields: Any) -> Manifest:
    """A small manifest with one function."""
    calls = [
        {"kind": "call", "service": callee, "route": route, "method": "GET", "path": f"/{route}"}
        for callee, route in fields.pop("calls", [])
    ]
    function = {
        "name": "api",
        "trigger": "api",
        "handler": "trunkline.entrypoints.api",
        "timeout_seconds": 10,
        "memory_mb": 512,
        "needs": calls,
        "emits": fields.pop("emits", []),
    }
    routes = [
        {"name": route, "method": "GET", "path": f"/{route}", "kind": "query"}
        for route in fields.pop("routes", [])
    ]
    api = {"version": 1, "exposure": fields.pop("exposure", "private"), "routes": routes}
    return Manifest.model_validate(
        {
            "service": name,
            "entry": f"{name}:service",
            "functions": [function],
            "api": api if routes else None,
            **fields,
        }
    )


def test_manifest_of_the_sample_holds_exactly_what_is_used() -> None:
    """Functions, tables and needs derive from the handlers, each function with its own."""
    found = service.manifest()
    assert found.entry == "shop_service:service"
    assert [function.name for function in found.functions] == [
        "api",
        "on-payment-seen",
        "tasks",
        "relay",
    ]
    assert [table.name for table in found.tables] == ["orders", "lines", "idempotency", "outbox"]
    assert found.publishes == ("shop.order_placed.v1",)
    assert found.accepts == ("shop.remind.v1",)
    needs = {
        function.name: {" ".join(map(str, need.model_dump().values())) for need in function.needs}
        for function in found.functions
    }
    locks = {"table idempotency read", "table idempotency write"}
    assert needs["api"] == {
        "table orders read",
        "table orders write",
        "table lines read",
        "table lines write",
        "table outbox write",
        *locks,
    }
    assert needs["on-payment-seen"] == {
        "table orders read",
        "table orders write",
        "table outbox write",
        "secret api-key",
        "call depot get_stock GET /stock/{sku}",
        "call depot reserve POST /reservations",
        *locks,
    }
    assert needs["tasks"] == {"email shop@example.com", *locks}
    assert needs["relay"] == {
        "table outbox read",
        "table outbox write",
        "publish False",
        "send depot",
    }
    assert found.function("tasks").settings == ("greeting",)
    assert found.function("api").emits == ("depot.pack.v1", "shop.order_placed.v1")
    with pytest.raises(KeyError):
        found.function("nope")


def test_manifest_is_the_same_whenever_it_is_written(tmp_path: Path) -> None:
    """Dumping is deterministic, and what was dumped is read back as it was."""
    text = dump(service.manifest())
    assert text == dump(service.manifest())
    assert text.endswith("}\n")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "service.json").write_text(text)
    assert load_all(tmp_path) == (service.manifest(),)


def test_manifest_is_the_same_in_another_process() -> None:
    """No hash seed and no import order shows in the bytes."""
    command = [sys.executable, "-m", "trunkline.manifest.generate", "shop_service:service"]
    sample = str(Path(__file__).parent / "sample")
    texts = {
        subprocess.run(
            command,
            env={"PYTHONPATH": sample, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert texts == {dump(service.manifest())}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "usage"),
        (["nonsense"], 1, "package.module:attribute"),
        (["no_such_module:service"], 1, "no module"),
        (["shop_service:nothing"], 1, "no trunkline.Service"),
        (["shop_service:Order"], 1, "no trunkline.Service"),
    ],
)
def test_generator_says_what_is_wrong(
    arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong entry gives one clear line and an exit code."""
    assert generate.main(arguments) == code
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ("{", None),
        ("{}", "service"),
        ('{"service": "Orders"}', "service"),
        ('{"service": "a", "entry": "a:b", "functions": [{"name": "x"}]}', "functions.0.trigger"),
        ('{"service": "a", "entry": "a:b", "functions": [], "extra": 1}', "extra"),
        ('{"schema_version": 9, "service": "a", "entry": "a:b"}', "schema_version"),
    ],
)
def test_broken_manifest_names_file_and_field(
    tmp_path: Path, content: str, field: str | None
) -> None:
    """A broken manifest is refused with its path and the first wrong field."""
    path = tmp_path / "service.json"
    path.write_text(content)
    with pytest.raises(ManifestError) as caught:
        load_manifest(path)
    assert caught.value.file == str(path)
    assert caught.value.field == field
    assert str(path) in str(caught.value)


def test_missing_and_unreadable_manifests_are_named(tmp_path: Path) -> None:
    """A path that is no manifest, or no folder, is told apart from a broken one."""
    with pytest.raises(ManifestError, match="cannot be read"):
        load_manifest(tmp_path / "service.json")
    (tmp_path / "service.json").write_bytes(b"\xff\xfe")
    with pytest.raises(ManifestError, match="cannot be read"):
        load_manifest(tmp_path / "service.json")
    with pytest.raises(ManifestError, match="is no folder"):
        load_all(tmp_path / "nowhere")


def test_graph_answers_who_speaks_to_whom() -> None:
    """Publishers, subscribers, callers and callees are found across manifests."""
    manifests = (
        manifest("a", routes=["x", "y"], publishes=["a.b.v1"]),
        manifest(
            "c",
            calls=[("a", "x")],
            subscriptions=[{"function": "api", "event": "a.b.v1"}],
        ),
    )
    graph = check(manifests)
    assert graph.publisher_of("a.b.v1") == publisher_of(manifests, "a.b.v1") == "a"
    assert graph.subscribers_of("a.b.v1") == {("c", "api")}
    assert graph.callers_of("a") == callers_of(manifests, "a") == {"x": {("c", "api")}, "y": set()}
    assert graph.callees_of("c") == {"a"}
    with pytest.raises(KeyError):
        graph.publisher_of("nothing.happens.v1")


SUBSCRIBE = [{"function": "api", "event": "a.b.v1"}]


@pytest.mark.parametrize(
    ("manifests", "error", "words"),
    [
        ([manifest("a"), manifest("a")], DuplicateService, "'a'"),
        ([manifest("pay"), manifest("pay-out")], AmbiguousServiceName, "'pay-out'"),
        (
            [manifest("a", publishes=["a.b.v1"]), manifest("c", publishes=["a.b.v1"])],
            DuplicateOwner,
            "both 'a' and 'c'",
        ),
        ([manifest("c", subscriptions=SUBSCRIBE)], UnknownEvent, "nobody publishes"),
        (
            [
                manifest(
                    "a",
                    publishes=["a.b.v1"],
                    subscriptions=[{"function": "nope", "event": "a.b.v1"}],
                )
            ],
            GraphError,
            "'nope'",
        ),
        ([manifest("a", emits=["b.c.v1"])], UnknownTask, "no service accepts"),
        ([manifest("a", calls=[("b", "x")])], UnknownRoute, "no such service"),
        ([manifest("a", calls=[("b", "x")]), manifest("b")], UnknownRoute, "no API"),
        (
            [manifest("a", calls=[("b", "x")]), manifest("b", routes=["y"])],
            UnknownRoute,
            "no such route",
        ),
        (
            [manifest("a", calls=[("b", "x")]), manifest("b", routes=["x"], exposure="public")],
            UnknownRoute,
            "for customers only",
        ),
        (
            [
                manifest("a", routes=["x"], calls=[("b", "x")]),
                manifest("b", routes=["x"], calls=[("c", "x")]),
                manifest("c", routes=["x"], calls=[("a", "x")]),
            ],
            CallCycle,
            "a -> b -> c -> a",
        ),
    ],
)
def test_contradictions_between_manifests_are_named(
    manifests: list[Manifest], error: type[GraphError], words: str
) -> None:
    """Each kind of contradiction has its own error, whose text names the parties."""
    with pytest.raises(error, match=words) as caught:
        check(manifests)
    assert type(caught.value) is error


def test_route_that_differs_is_named() -> None:
    """A call with another method or path than the route's is refused, with both."""
    text = manifest("a", calls=[("b", "x")]).model_dump(mode="json")
    text["functions"][0]["needs"][0]["path"] = "/elsewhere"
    with pytest.raises(UnknownRoute, match="it is GET /x, not GET /elsewhere"):
        check([Manifest.model_validate(text), manifest("b", routes=["x"])])


def test_calls_that_do_not_go_round_are_fine() -> None:
    """A diamond of calls is no cycle."""
    check(
        [
            manifest("a", calls=[("b", "x"), ("c", "x")]),
            manifest("b", routes=["x"], calls=[("d", "x")]),
            manifest("c", routes=["x"], calls=[("d", "x")]),
            manifest("d", routes=["x"]),
        ]
    )


def _with_paths(callers: dict[str, str], **paths: str) -> list[Manifest]:
    """A service with routes at paths, and a service for each of its callers."""
    text = manifest("x", routes=list(paths)).model_dump(mode="json")
    for route in text["api"]["routes"]:
        route["path"] = paths[route["name"]]
    found = [Manifest.model_validate(text)]
    for caller, route in callers.items():
        calls = manifest(caller, calls=[("x", route)]).model_dump(mode="json")
        calls["functions"][0]["needs"][0]["path"] = paths[route]
        found.append(Manifest.model_validate(calls))
    return found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("/a/{id}", "/a/{id}/lines"),
        ("/a/{id}", "/a/search"),
        ("/{x}/b", "/a/{y}"),
        ("/a/{id}/b/{other}", "/a/{id}/b/c/d"),
    ],
)
def test_routes_whose_permissions_meet_need_the_same_callers(one: str, other: str) -> None:
    """Else the policy of one route would deny the callers of the other, in silence."""
    with pytest.raises(OverlappingRoutes) as caught:
        check(_with_paths({"c": "r", "d": "s"}, r=one, s=other))
    assert (caught.value.first, caught.value.second) == (f"GET {one}", f"GET {other}")
    check(_with_paths({}, r=one, s=other))


@pytest.mark.parametrize(
    ("one", "other"), [("/a", "/a/{id}"), ("/a/{id}", "/b/{id}"), ("/a/{id}/b", "/a/{id}/c")]
)
def test_routes_whose_permissions_do_not_meet_are_fine(one: str, other: str) -> None:
    """Routes that no ARN confuses may have any callers."""
    check(_with_paths({"c": "r", "d": "s"}, r=one, s=other))


def test_needs_are_told_apart_by_kind() -> None:
    """A need's JSON says what it is."""
    need = TableNeed(table="a", access="read")
    assert json.loads(need.model_dump_json()) == {"kind": "table", "table": "a", "access": "read"}
