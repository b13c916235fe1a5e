"""Bringing the platform up on this machine."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from trunkline_devtools.aws import Aws, Parameters, ensure_customer, start_functions
from trunkline_devtools.deploy import RootsApply, TerraformTools
from trunkline_devtools.errors import InputError
from trunkline_devtools.local.cloud import attach, aws_of, start
from trunkline_devtools.local.deployment import local_deployment
from trunkline_devtools.local.first_order import run_order
from trunkline_devtools.local.freshness import bring_up_to_date
from trunkline_devtools.local.platform import LocalPlatform, RunningPlatform
from trunkline_devtools.local.record import Record
from trunkline_devtools.progress import Reporter, RootsProgress
from trunkline_devtools.workspace import LOCAL, Workspace
from trunkline_localcloud import LocalCloud

__all__ = ["DEFAULT_PORT", "Up", "agreeing_cloud", "bring_up", "shut_down"]

DEFAULT_PORT = 4566
"""The port that AWS emulators are commonly found at."""


@dataclass(frozen=True)
class Up:
    """The platform after it was brought up."""

    running: RunningPlatform
    cloud: LocalCloud
    was_running: bool
    """Whether another command had started it before."""


def bring_up(workspace: Workspace, reporter: Reporter, port: int | None) -> Up:
    """Start everything, apply what has changed, and prove it with an order.

    Args:
        workspace: The clone.
        reporter: Shows what happens.
        port: The local cloud's port; None takes the one of the kept state, else the default.

    Raises:
        InputError: something that the person can put right.
        DevtoolsError: a step failed. What was started keeps its state and is stopped.
    """
    with reporter.phase("declarations"):
        bring_up_to_date(workspace, reporter)
        platform = LocalPlatform(workspace)
        record = _record(platform, port)
        if not record.roots:
            # Better to learn before anything starts that Terraform or its provider is missing.
            TerraformTools(workspace, LOCAL, None, reporter.say).prepare()
    was_running = attach(workspace.cloud) is not None
    try:
        return _bring_up(platform, reporter, record, was_running=was_running)
    except BaseException:
        if not was_running:
            shut_down(platform)
        raise


def shut_down(platform: LocalPlatform) -> bool:
    """Stop everything that runs and keep its state; whether anything ran."""
    stopped = [companion.stop() for companion in platform.companions]
    cloud = attach(platform.workspace.cloud)
    if cloud is not None:
        cloud.stop()
    return cloud is not None or any(stopped)


def _record(platform: LocalPlatform, port: int | None) -> Record:
    record = platform.record.read()
    if record is None:
        return Record(DEFAULT_PORT if port is None else port)
    if port not in {None, 0, record.port}:
        raise InputError(
            f"the kept state belongs to port {record.port}; leave --port out, "
            "or forget the state with: ./dev down --reset"
        )
    return record


def _bring_up(
    platform: LocalPlatform, reporter: Reporter, record: Record, *, was_running: bool
) -> Up:
    with reporter.phase("local cloud"):
        cloud, record = agreeing_cloud(platform, reporter, record)
        aws = aws_of(cloud)
        for companion in platform.companions:
            record.ports[companion.id] = companion.start(record.ports.get(companion.id))
    with reporter.phase("terraform"):
        _apply(platform, reporter, record, aws)
    running = RunningPlatform(platform, aws)
    with reporter.phase("functions"):
        start_functions(aws, LOCAL, platform.manifests)
    with reporter.phase("first order"):
        ensure_customer(aws, running.parameters.read("edge", "user-pool-id"), platform.customer())
        run_order(running, reporter)
        cloud.control.save()  # a hard end from here on costs the newest data, not the whole state
    return Up(running, cloud, was_running)


def agreeing_cloud(
    platform: LocalPlatform, reporter: Reporter, record: Record
) -> tuple[LocalCloud, Record]:
    """The running cloud, and a record that agrees with what the cloud remembers."""
    workspace = platform.workspace
    cloud = attach(workspace.cloud) or start(
        workspace.cloud, record.port, platform.settings, kept=bool(record.roots)
    )
    remembers = Parameters(aws_of(cloud), LOCAL).generation()
    if record.generation and remembers != record.generation:
        reporter.say("the local cloud was ended without saving its state: starting over")
        shut_down(platform)
        platform.forget()
        record = Record(record.port)
        cloud = start(workspace.cloud, record.port, platform.settings)
    record.port = int(cloud.endpoint.rsplit(":", 1)[1])
    return cloud, record


def _apply(platform: LocalPlatform, reporter: Reporter, record: Record, aws: Aws) -> None:
    parameters = Parameters(aws, LOCAL)
    apply = RootsApply(local_deployment(platform, aws, reporter.say))

    def on_applied(root: str, digest: str | None) -> None:
        if digest is None and not record.generation:
            # The cloud saves its state when it is up and when it ends in peace: it bears a mark by
            # which the next start sees whether it still knows what Terraform believes to exist.
            record.generation = uuid.uuid4().hex
            parameters.set_generation(record.generation)
        platform.record.root_applied(record, root, digest)

    with RootsProgress(reporter, [root.name for root in platform.roots]) as progress:
        applied = apply.run(progress, record.roots, on_applied)
    if not applied.roots:
        reporter.say("  nothing has changed since the last apply: no Terraform needed")
    else:
        record.generation = uuid.uuid4().hex
        parameters.set_generation(record.generation)
    platform.record.write(record)
