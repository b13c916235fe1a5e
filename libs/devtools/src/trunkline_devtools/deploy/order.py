"""Planning and destroying the roots of an environment."""

from __future__ import annotations

from trunkline_devtools.deploy.deployment import Deployment
from trunkline_devtools.errors import DevtoolsError
from trunkline_devtools.progress import RootsProgress
from trunkline_devtools.terraform import ChangeSummary, reversed_graph, run_graph

__all__ = ["destroy_roots", "plan_roots"]


def plan_roots(deployment: Deployment, progress: RootsProgress) -> dict[str, ChangeSummary]:
    """Plan every root; what each apply would change.

    Raises:
        DevtoolsError: of the first root that failed.
    """
    plans: dict[str, ChangeSummary] = {}

    def work(name: str) -> None:
        with progress.working(name, "planning"):
            runner = deployment.tools.runner(name)
            runner.init()
            plans[name] = runner.plan(lambda event: progress.event(name, event))
        total = plans[name].total
        progress.end(name, f"{total} to change" if total else "no changes")

    # A plan reads parameters that earlier roots have written, but changes nothing itself.
    run_graph(
        {root.name: frozenset() for root in deployment.roots}, work, workers=deployment.side_by_side
    )
    return {root.name: plans[root.name] for root in deployment.roots}


def destroy_roots(deployment: Deployment, progress: RootsProgress) -> int:
    """Destroy every root after those that depend on it; how many resources that were.

    Raises:
        DevtoolsError: a root failed, or its state is not empty afterwards.
    """
    removed: dict[str, int] = {}

    def work(name: str) -> None:
        with progress.working(name, "destroying"):
            runner = deployment.tools.runner(name)
            runner.init()
            summary = runner.destroy(lambda event: progress.event(name, event))
            left = runner.resources()
            if left:
                raise DevtoolsError(f"root {name} still has {len(left)}: {', '.join(left)}")
        removed[name] = summary.remove
        progress.end(name, f"{summary.remove} destroyed")

    graph = {root.name: frozenset(root.depends_on) for root in deployment.roots}
    run_graph(reversed_graph(graph), work, workers=deployment.side_by_side)
    return sum(removed.values())
