"""One cloud for the whole test session, and clients for it."""

from __future__ import annotations

import io
import json
import secrets
import sys
import textwrap
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import boto3
import pytest
import urllib3
from botocore.config import Config

from trunkline_localcloud import CloudSettings, LocalCloud

_SERVICE_ROLE = "arn:aws:iam::aws:policy/service-role/"
_MANAGED = (
    "AWSLambdaVPCAccessExecutionRole",
    "AWSLambdaSQSQueueExecutionRole",
    "AWSLambdaDynamoDBExecutionRole",
    "AWSLambdaKinesisExecutionRole",
)


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """A cloud on a free port, for the whole session."""
    settings = CloudSettings(port=0, state_dir=tmp_path_factory.mktemp("cloud"))
    with LocalCloud.start(settings, outlives=False) as running:
        yield running


@pytest.fixture(scope="session")
def client(cloud: LocalCloud) -> Iterator[Callable[..., Any]]:
    """Makes a boto3 client as the administrator; keywords override its arguments."""
    made = []

    def make(service: str, **overrides: Any) -> Any:
        arguments: dict[str, Any] = {
            "endpoint_url": cloud.endpoint,
            "region_name": cloud.region,
            "aws_access_key_id": cloud.admin_access_key,
            "aws_secret_access_key": cloud.admin_secret_key,
            "config": Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        }
        made.append(boto3.client(service, **{**arguments, **overrides}))  # type: ignore[call-overload]
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture(scope="session")
def http() -> Iterator[urllib3.PoolManager]:
    """A plain HTTP client."""
    with urllib3.PoolManager(retries=False) as pool:
        yield pool


@pytest.fixture(scope="session")
def package() -> Callable[..., bytes]:
    """Makes a deployment package with one module per keyword."""
    return _package


def _package(**files: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, source in files.items():
            archive.writestr(f"{name}.py", textwrap.dedent(source))
    return buffer.getvalue()


@pytest.fixture(scope="session")
def function(client: Callable[..., Any]) -> Iterator[Callable[..., str]]:
    """Makes a function from the source of its module ``app`` and returns its name.

    Keywords are those of CreateFunction; ``statements`` are what its role may do, beside
    writing its log, working in a VPC and reading event sources, unless ``bare``.
    """
    iam, functions = client("iam"), client("lambda")
    made: list[str] = []

    def make(
        source: str,
        *,
        statements: Sequence[dict[str, Any]] = (),
        bare: bool = False,
        **overrides: Any,
    ) -> str:
        name = f"function-{secrets.token_hex(4)}"
        trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
        role = iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=_policy({**trust, "Action": "sts:AssumeRole"}),
        )
        for managed in () if bare else _MANAGED:
            iam.attach_role_policy(RoleName=name, PolicyArn=_SERVICE_ROLE + managed)
        if statements:
            iam.put_role_policy(
                RoleName=name, PolicyName="all", PolicyDocument=_policy(*statements)
            )
        arguments = {
            "FunctionName": name,
            "Runtime": f"python3.{sys.version_info.minor}",
            "Handler": "app.handler",
            "Role": role["Role"]["Arn"],
            "Code": {"ZipFile": _package(app=source)},
            **overrides,
        }
        functions.create_function(**arguments)
        functions.get_waiter("function_active_v2").wait(
            FunctionName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 200}
        )
        made.append(name)
        return name

    yield make
    for name in made:
        functions.delete_function(FunctionName=name)


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Any]:
    """Asks again and again until the answer is true, and returns it."""
    return _eventually


def _eventually(probe: Callable[[], Any], *, within: float = 15.0) -> Any:
    deadline = time.monotonic() + within
    while not (answer := probe()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {within} s")
        time.sleep(0.05)
    return answer


def _policy(*statements: dict[str, Any]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
