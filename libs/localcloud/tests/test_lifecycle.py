"""Starting, stopping and resuming a cloud."""

from __future__ import annotations

import io
import json
import os
import signal
import stat
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

from trunkline_localcloud import (
    CloudNotReady,
    CloudNotRunning,
    CloudSettings,
    LocalCloud,
    PortInUse,
    StateInUse,
)
from trunkline_localcloud.state_lock import is_held

_SOURCE = """
import os, time
def handler(event, context):
    for record in event.get("Records", []):
        print("GOT", record["body"])
    time.sleep(event.get("seconds", 0))
    return os.getpid()
"""


@contextmanager
def _client(cloud: LocalCloud, service: str) -> Iterator[Any]:
    made = boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=cloud.endpoint,
        region_name=cloud.region,
        aws_access_key_id=cloud.admin_access_key,
        aws_secret_access_key=cloud.admin_secret_key,
    )
    with closing(made):
        yield made


def _make_function(cloud: LocalCloud, name: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app.py", _SOURCE)
    trust = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        },
    }
    with _client(cloud, "iam") as iam, _client(cloud, "lambda") as functions:
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        for managed in ("AWSLambdaSQSQueueExecutionRole", "AWSLambdaBasicExecutionRole"):
            arn = f"arn:aws:iam::aws:policy/service-role/{managed}"
            iam.attach_role_policy(RoleName=name, PolicyArn=arn)
        functions.create_function(
            FunctionName=name,
            Runtime=f"python3.{sys.version_info.minor}",
            Handler="app.handler",
            Role=role["Role"]["Arn"],
            Code={"ZipFile": buffer.getvalue()},
            Timeout=30,
        )
        functions.get_waiter("function_active_v2").wait(
            FunctionName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 200}
        )


def _invoke(cloud: LocalCloud, name: str) -> Any:
    with _client(cloud, "lambda") as functions:
        return json.loads(functions.invoke(FunctionName=name, Payload=b"{}")["Payload"].read())


def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rsplit(")", 1)[-1].split()[0] == "Z"


def _wait(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "the condition never held"
        time.sleep(0.02)
    return found


@pytest.fixture
def settings(tmp_path: Path) -> CloudSettings:
    """Settings of a cloud of this test alone."""
    return CloudSettings(port=0, state_dir=tmp_path / "state")


def test_facts_are_the_owners_alone(settings: CloudSettings) -> None:
    """The file with the administrator's keys can be read by its owner only."""
    with LocalCloud.start(settings, outlives=False) as cloud:
        assert stat.S_IMODE(settings.facts_file.stat().st_mode) == 0o600
        assert cloud.admin_secret_key not in repr(cloud)


def test_attach_finds_a_running_cloud(settings: CloudSettings) -> None:
    """Another process finds the cloud by its state directory, and may stop it."""
    with LocalCloud.start(settings, outlives=False) as started:
        attached = LocalCloud.attach(settings.state_dir)
        assert attached.facts == started.facts
        attached.stop()
        assert not started.is_running()
    with pytest.raises(CloudNotRunning):
        LocalCloud.attach(settings.state_dir)


def test_restart_resumes(settings: CloudSettings) -> None:
    """A restart keeps endpoint, keys, queues, functions and their mappings, and soon."""
    with LocalCloud.start(settings, outlives=False) as cloud:
        _make_function(cloud, "resumed")
        _invoke(cloud, "resumed")
        with _client(cloud, "sqs") as sqs, _client(cloud, "lambda") as functions:
            queue = sqs.create_queue(QueueName="resumed")["QueueUrl"]
            functions.create_event_source_mapping(
                FunctionName="resumed",
                EventSourceArn=f"arn:aws:sqs:{cloud.region}:{cloud.account_id}:resumed",
            )
    began = time.monotonic()
    with LocalCloud.start(settings, outlives=False) as again:
        assert time.monotonic() - began < 20
        assert again.endpoint == cloud.endpoint
        assert again.admin_access_key == cloud.admin_access_key
        assert isinstance(_invoke(again, "resumed"), int)
        with _client(again, "sqs") as sqs, _client(again, "logs") as logs:
            sqs.send_message(QueueUrl=queue, MessageBody="after")
            _wait(
                lambda: logs.filter_log_events(
                    logGroupName="/aws/lambda/resumed", filterPattern='"GOT after"'
                )["events"]
            )


def test_running_function_may_finish(settings: CloudSettings, tmp_path: Path) -> None:
    """A graceful stop lets a function that runs call the cloud and finish, and starts no other."""
    with LocalCloud.start(settings, outlives=False) as cloud:
        _make_function(cloud, "finishing")
        _invoke(cloud, "finishing")
        with _client(cloud, "lambda") as functions, _client(cloud, "logs") as logs:
            functions.invoke(
                FunctionName="finishing", InvocationType="Event", Payload=b'{"seconds": 1.5}'
            )
            assert logs.describe_log_streams(logGroupName="/aws/lambda/finishing")["logStreams"]
    with LocalCloud.start(settings, outlives=False) as again, _client(again, "logs") as logs:
        events = logs.filter_log_events(
            logGroupName="/aws/lambda/finishing", filterPattern="REPORT"
        )["events"]
    assert len(events) == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_function_outlives_the_cloud(settings: CloudSettings, number: signal.Signals) -> None:
    """However the cloud ends, its functions' processes end with it."""
    cloud = LocalCloud.start(settings, outlives=False)
    try:
        _make_function(cloud, "orphan")
        process = _invoke(cloud, "orphan")
        assert not _is_gone(process)
        os.kill(cloud.pid, number)
        _wait(lambda: _is_gone(process))
    finally:
        cloud.stop()


def test_taken_port_is_an_error(settings: CloudSettings, tmp_path: Path) -> None:
    """A port that another process has is an error that names it."""
    with LocalCloud.start(settings, outlives=False) as cloud:
        port = int(cloud.endpoint.rsplit(":", 1)[-1])
        with pytest.raises(PortInUse) as error:
            LocalCloud.start(CloudSettings(port=port, state_dir=tmp_path / "other"), outlives=False)
        assert error.value.port == port


def test_state_belongs_to_one_cloud(settings: CloudSettings) -> None:
    """A second cloud on the same state directory is an error, and the first goes on."""
    with LocalCloud.start(settings, outlives=False) as cloud:
        with pytest.raises(StateInUse):
            LocalCloud.start(settings, outlives=False)
        assert cloud.is_running()


def test_failed_start_shows_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cloud that ends while starting is an error with the end of its log."""
    settings = CloudSettings(port=0, state_dir=tmp_path / "state", region="eu-central-1")
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(CloudNotReady) as error:
        LocalCloud.start(settings, outlives=False)
    assert error.value.exit_code == 1


def test_command_line_serves_and_stops(settings: CloudSettings) -> None:
    """``python -m trunkline_localcloud serve`` serves in the foreground until SIGTERM."""
    command = [sys.executable, "-m", "trunkline_localcloud", "serve", "--port", "0"]
    command += ["--state", str(settings.state_dir)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        cloud = _wait(lambda: _attached(settings.state_dir), seconds=60)
        assert cloud.pid == process.pid
        process.terminate()
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()


def test_cloud_ends_with_its_starter(settings: CloudSettings) -> None:
    """A cloud that does not outlive its starter stops when that is killed."""
    source = f"""
import time
from pathlib import Path
from trunkline_localcloud import CloudSettings, LocalCloud
cloud = LocalCloud.start(
    CloudSettings(port=0, state_dir=Path({str(settings.state_dir)!r})), outlives=False, timeout=60
)
time.sleep(600)
"""
    starter = subprocess.Popen([sys.executable, "-c", source])
    try:
        _wait(lambda: _attached(settings.state_dir), seconds=60)
    finally:
        starter.kill()
        starter.wait()
    _wait(lambda: not is_held(settings.state_dir), seconds=30)


def _attached(state_dir: Path) -> LocalCloud | None:
    try:
        return LocalCloud.attach(state_dir)
    except CloudNotRunning:
        return None


def test_saved_state_outlives_a_hard_end(settings: CloudSettings) -> None:
    """After `save` a killed cloud comes back as it was then; what came later is lost."""
    cloud = LocalCloud.start(settings)
    with _client(cloud, "sqs") as sqs:
        sqs.create_queue(QueueName="saved")
        cloud.control.save()
        sqs.create_queue(QueueName="later")
    os.kill(cloud.pid, signal.SIGKILL)
    _wait(lambda: not cloud.is_running())
    with LocalCloud.start(settings) as again, _client(again, "sqs") as sqs:
        names = {url.rsplit("/", 1)[1] for url in sqs.list_queues()["QueueUrls"]}
    assert names == {"saved"}
