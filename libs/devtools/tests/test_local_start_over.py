"""What `up` does when the local cloud was killed before it could save what Terraform made."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from trunkline_devtools.aws import Parameters
from trunkline_devtools.local.cloud import attach, aws_of
from trunkline_devtools.local.platform import LocalPlatform
from trunkline_devtools.local.record import Record
from trunkline_devtools.local.up import agreeing_cloud, shut_down
from trunkline_devtools.progress import Reporter
from trunkline_devtools.waiting import wait_for
from trunkline_devtools.workspace import LOCAL, Workspace

ROOT = Path(__file__).parents[3]


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[LocalPlatform]:
    """A clone with this repository's packages and a state of its own; its cloud is stopped."""
    for folder in ("libs", "platform", "services"):
        (tmp_path / folder).symlink_to(ROOT / folder, target_is_directory=True)
    found = LocalPlatform(Workspace(tmp_path))
    yield found
    shut_down(found)


def _record_and_kill(platform: LocalPlatform, *, saved: bool) -> Record:
    """Note that Terraform made something, as `up` does, and end the cloud the hard way."""
    cloud, record = agreeing_cloud(platform, Reporter.for_person(), Record(0))
    record.generation, record.roots = "mark", {"network": "digest"}
    Parameters(aws_of(cloud), LOCAL).set_generation("mark")
    platform.record.write(record)
    if saved:
        cloud.control.save()
    os.kill(cloud.pid, signal.SIGKILL)
    assert wait_for(lambda: attach(platform.workspace.cloud) is None or None, timeout=10)
    return record


def test_a_cloud_that_forgot_is_started_over(
    platform: LocalPlatform, capsys: pytest.CaptureFixture[str]
) -> None:
    """Terraform's state would name what no longer exists, so both begin anew, on the same port."""
    record = _record_and_kill(platform, saved=False)
    cloud, fresh = agreeing_cloud(platform, Reporter.for_person(), record)
    assert fresh.roots == {}
    assert fresh.port == record.port
    assert cloud.is_running()
    assert platform.record.read() is None
    printed = capsys.readouterr()
    assert "starting over" in printed.out + printed.err


def test_a_cloud_that_was_saved_goes_on(platform: LocalPlatform) -> None:
    """What was saved after `up` agrees with Terraform's state, so nothing is applied again."""
    record = _record_and_kill(platform, saved=True)
    _, kept = agreeing_cloud(platform, Reporter.for_person(), record)
    assert kept.roots == {"network": "digest"}
