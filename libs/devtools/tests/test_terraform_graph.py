"""Running work on a graph of roots."""

from __future__ import annotations

import threading

import pytest

from trunkline_devtools.terraform import reversed_graph, run_graph

GRAPH = {
    "network": frozenset[str](),
    "foundation": frozenset[str](),
    "orders": frozenset({"network", "foundation"}),
    "edge": frozenset({"orders"}),
}


def test_a_node_starts_after_all_that_it_depends_on() -> None:
    """Every dependency has ended before its dependent begins."""
    ended: list[str] = []

    def work(node: str) -> None:
        assert GRAPH[node] <= set(ended)
        ended.append(node)

    run_graph(GRAPH, work, workers=4)

    assert sorted(ended) == sorted(GRAPH)


def test_independent_nodes_run_side_by_side() -> None:
    """Two nodes that do not depend on each other meet while they work."""
    meeting = threading.Barrier(2, timeout=5)

    run_graph({"a": frozenset(), "b": frozenset()}, lambda _: _wait(meeting), workers=2)


def _wait(meeting: threading.Barrier) -> None:
    meeting.wait()


def test_nothing_new_starts_after_a_failure() -> None:
    """The first failure is raised, and what depends on the failed node never runs."""
    ran: list[str] = []

    def work(node: str) -> None:
        ran.append(node)
        if node == "network":
            raise OSError("no network")

    with pytest.raises(OSError, match="no network"):
        run_graph(GRAPH, work, workers=1)

    assert "orders" not in ran
    assert "edge" not in ran


def test_a_cycle_is_refused() -> None:
    """Nodes that wait for each other end in an error, not in silence."""
    with pytest.raises(ValueError, match="a, b"):
        run_graph({"a": frozenset({"b"}), "b": frozenset({"a"})}, lambda _: None, workers=2)


def test_unknown_dependencies_count_as_done() -> None:
    """A graph may be a part of a greater one."""
    ran: list[str] = []

    run_graph({"orders": frozenset({"network"})}, ran.append, workers=1)

    assert ran == ["orders"]


def test_backwards_every_dependent_comes_first() -> None:
    """Reversed, a node depends on what depended on it."""
    assert reversed_graph(GRAPH) == {
        "network": frozenset({"orders"}),
        "foundation": frozenset({"orders"}),
        "orders": frozenset({"edge"}),
        "edge": frozenset(),
    }
