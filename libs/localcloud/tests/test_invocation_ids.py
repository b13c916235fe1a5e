"""Contract of the gap ``invocation_ids``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Client = Callable[..., Any]

_SOURCE = """
def handler(event, context):
    print("RAN", context.aws_request_id)
    return context.aws_request_id
"""


def test_the_answer_names_the_invocation(client: Client, function: Callable[..., str]) -> None:
    """The request id of Invoke's answer is the one that the function saw."""
    name = function(_SOURCE)
    seen = set()
    for _ in range(2):
        answer = client("lambda").invoke(FunctionName=name)
        request_id = json.loads(answer["Payload"].read())
        assert request_id == answer["ResponseMetadata"]["RequestId"]
        seen.add(request_id)
    assert len(seen) == 2


def test_a_later_run_has_the_requests_id(
    client: Client, function: Callable[..., str], eventually: Callable[..., Any]
) -> None:
    """An event that is run after Invoke has answered runs under the answer's id."""
    name = function(_SOURCE)
    client("lambda").invoke(FunctionName=name)  # makes the log group
    answer = client("lambda").invoke(FunctionName=name, InvocationType="Event")
    eventually(
        lambda: client("logs").filter_log_events(
            logGroupName=f"/aws/lambda/{name}",
            filterPattern=f'"RAN {answer["ResponseMetadata"]["RequestId"]}"',
        )["events"]
    )
