"""Running work on a graph of roots: each as soon as what it depends on is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from trunkline_devtools.terraform.processes import RUNNING

__all__ = ["reversed_graph", "run_graph"]

Graph = Mapping[str, frozenset[str]]
"""For each node the nodes that it depends on."""


def reversed_graph(graph: Graph) -> dict[str, frozenset[str]]:
    """The graph for going backwards: what depends on a node comes before it."""
    return {
        node: frozenset(other for other, needs in graph.items() if node in needs) for node in graph
    }


def run_graph(graph: Graph, work: Callable[[str], None], *, workers: int) -> None:
    """Do ``work`` for every node, side by side where the graph allows.

    Dependencies that are not in the graph count as done. After a failure nothing new starts; what
    runs is waited for, and the first failure is raised.

    Args:
        graph: For each node the nodes that it depends on.
        work: Called once per node, in threads.
        workers: How many nodes run side by side at most.

    Raises:
        ValueError: the graph has a cycle.
    """
    missing = {node: set(needs) & graph.keys() for node, needs in graph.items()}
    running: dict[Future[None], str] = {}
    failure: BaseException | None = None
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="root") as pool:
        while missing or running:
            if failure is None:
                for node in sorted(node for node, needs in missing.items() if not needs):
                    del missing[node]
                    running[pool.submit(work, node)] = node
            if not running:
                break
            try:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
            except KeyboardInterrupt:
                # The pool waits for its threads, and they wait for Terraform: interrupt that first.
                RUNNING.stop()
                pool.shutdown(cancel_futures=True)
                raise
            for future in done:
                node = running.pop(future)
                failure = failure or future.exception()
                for needs in missing.values():
                    needs.discard(node)
    if failure is not None:
        raise failure
    if missing:
        raise ValueError(f"the roots depend on each other in a cycle: {', '.join(sorted(missing))}")
