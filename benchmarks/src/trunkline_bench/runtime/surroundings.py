"""The AWS and the environment variables that every peer's function has."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trunkline_bench.runtime.cloud import CALLS_PATH

__all__ = ["Cloud", "environment_of", "running_cloud"]

_STOP_SECONDS = 5.0


@dataclass(frozen=True)
class Cloud:
    """The running AWS of all peers."""

    http_port: int
    xray_port: int

    def calls(self) -> list[dict[str, Any]]:
        """What was asked since the last time: ``operation`` and ``request``."""
        url = f"http://127.0.0.1:{self.http_port}{CALLS_PATH}"
        with urllib.request.urlopen(url) as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found


@contextmanager
def running_cloud() -> Iterator[Cloud]:
    """Start it, and end it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "trunkline_bench.runtime.cloud"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is the driver's to deal with
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        ports = json.loads(process.stdout.readline())
        yield Cloud(ports["http"], ports["xray"])
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(_STOP_SECONDS)


def environment_of(cloud: Cloud, bundle: Path, own: Mapping[str, str]) -> dict[str, str]:
    """Lambda's reserved variables over the function's own, and nothing of this process.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html

    ``AWS_ENDPOINT_URL`` alone is not Lambda's: it leads botocore to the local AWS. Bytecode is
    cached, as it is in bundles.
    """
    return {
        **own,
        "AWS_ACCESS_KEY_ID": "ASIAIOSFODNN7EXAMPLE",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{cloud.http_port}",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_NAME": "trunkline-bench-orders-api",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": "Text",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/trunkline-bench-orders-api",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/11/22/[1]0123456789abcdef0123456789abcdef",
        "AWS_REGION": "eu-central-1",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "AWS_SESSION_TOKEN": "IQoJb3JpZ2luX2VjEXAMPLETOKEN",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{cloud.xray_port}",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LAMBDA_TASK_ROOT": str(bundle),
        "LANG": "en_US.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "TZ": ":UTC",
    }
