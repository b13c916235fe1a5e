"""Applying the roots of an environment, with what belongs to it: bundles before, releases after."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from trunkline_devtools.aws import Parameters, release_newest, upload_bundle
from trunkline_devtools.bundles import Bundle
from trunkline_devtools.deploy.deployment import Deployment
from trunkline_devtools.deploy.variables import inputs_digest, write_variables
from trunkline_devtools.progress import UNCHANGED, RootsProgress
from trunkline_devtools.terraform import ChangeSummary, run_graph

__all__ = ["Applied", "RootsApply"]

_HELPERS = 2


@dataclass(frozen=True)
class Applied:
    """What an apply did."""

    roots: Mapping[str, ChangeSummary]
    """The roots that Terraform ran on, with what it changed."""
    digests: Mapping[str, str]
    """For each root, also the skipped, the digest of everything that went into it."""


class RootsApply:
    """One run over the roots of an environment."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._services = deployment.services
        self._roots = {root.name: root for root in deployment.roots}
        self._lock = threading.Lock()
        self._applied: dict[str, ChangeSummary] = {}
        self._digests: dict[str, str] = {}

    def run(
        self,
        progress: RootsProgress,
        known: Mapping[str, str],
        on_applied: Callable[[str, str | None], None] = lambda _root, _digest: None,
    ) -> Applied:
        """Apply what is not as ``known`` says, and everything that depends on it.

        Args:
            progress: Shows what happens.
            known: Digests of what was applied before, by root.
            on_applied: Told of each root with None just before Terraform touches it, and with its
                digest just after, so that an interrupted run can go on.

        Raises:
            DevtoolsError: of the first root that failed; others that ran have ended.
        """
        builder = self._deployment.builder
        with (
            ThreadPoolExecutor(_HELPERS, thread_name_prefix="bundle") as builders,
            ThreadPoolExecutor(_HELPERS, thread_name_prefix="init") as initialiser,
        ):
            bundles = {name: builders.submit(builder.build, name) for name in self._services}
            # While the first roots wait for AWS, the processor is free for those that come later.
            ready = {
                name: initialiser.submit(self._deployment.tools.runner(name).init)
                for name in self._roots
                if name not in known
            }

            def work(name: str) -> None:
                with progress.working(name, "preparing"):
                    bundle = bundles[name].result() if name in bundles else None
                    if name in ready:
                        ready[name].result()
                    outcome = self._work(name, bundle, progress, known, on_applied)
                progress.end(name, outcome)

            try:
                run_graph(
                    {root.name: frozenset(root.depends_on) for root in self._roots.values()},
                    work,
                    workers=self._deployment.side_by_side,
                )
            except BaseException:
                for pool in (builders, initialiser):
                    pool.shutdown(wait=False, cancel_futures=True)
                raise
        return Applied(dict(self._applied), dict(self._digests))

    def _work(
        self,
        name: str,
        bundle: Bundle | None,
        progress: RootsProgress,
        known: Mapping[str, str],
        on_applied: Callable[[str, str | None], None],
    ) -> str:
        """Bring one root up to date; what came of it."""
        deployment = self._deployment
        directory = deployment.tools.directory(name)
        values = deployment.variables.values(directory, name, bundle)
        digest = inputs_digest(directory, values)
        with self._lock:
            self._digests[name] = digest
            moved = any(
                self._applied[other].total
                for other in self._roots[name].depends_on
                if other in self._applied
            )
        if known.get(name) == digest and not moved:
            return UNCHANGED
        on_applied(name, None)
        write_variables(deployment.tools.variables_file(name), values)
        runner = deployment.tools.runner(name)
        runner.init()
        if bundle is not None:
            upload_bundle(deployment.aws, self._bucket(), bundle)
        progress.begin(name, "applying")
        summary = runner.apply(lambda event: progress.event(name, event))
        if name in self._services:
            release_newest(deployment.aws, deployment.environment, self._services[name])
            deployment.after_service(self._services[name])
        with self._lock:
            self._applied[name] = summary
        on_applied(name, digest)
        return _text(summary)

    def _bucket(self) -> str:
        parameters = Parameters(self._deployment.aws, self._deployment.environment)
        return parameters.read("foundation", "artifact-bucket")


def _text(summary: ChangeSummary) -> str:
    parts = [
        f"{count} {word}"
        for count, word in (
            (summary.add, "created"),
            (summary.change, "changed"),
            (summary.remove, "destroyed"),
        )
        if count
    ]
    return ", ".join(parts) or "no changes"
