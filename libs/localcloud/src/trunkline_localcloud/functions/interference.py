"""Faults at the invocation itself: the action ``lambda:Invoke`` on the function's ARN."""

from __future__ import annotations

import time
from collections.abc import Callable

from trunkline_localcloud.faults import FaultRule, Moment, injector
from trunkline_localcloud.functions.definition import FunctionVersion
from trunkline_localcloud.functions.environment import ExecutionEnvironment, Outcome
from trunkline_localcloud.functions.output import LogLine

__all__ = ["invoke_with_faults"]


def invoke_with_faults(
    environment: ExecutionEnvironment, invoke: Callable[[], Outcome], request_id: str
) -> Outcome:
    """Run one invocation as the rules in force let it.

    Before: an error keeps the handler from running. After: the handler has returned, but its
    event source sees an error, or a process that was killed.
    """
    outcome = _struck("before", environment, request_id)
    if outcome is not None:
        return outcome
    outcome = invoke()
    return _struck("after", environment, request_id) or outcome


def _struck(when: Moment, environment: ExecutionEnvironment, request_id: str) -> Outcome | None:
    failed: Outcome | None = None
    for rule in injector.strike(when, environment.function.name, _actions(environment.function)):
        if rule.effect == "latency":
            time.sleep(rule.latency_ms / 1000)
        elif rule.effect == "kill":
            environment.kill()
            failed = _outcome(rule, request_id, "Runtime.ExitError", _KILLED)
        else:
            failed = _outcome(rule, request_id, rule.code, f"fault {rule.id}")
    return failed


_KILLED = "Runtime exited with error: signal: killed"


def _actions(function: FunctionVersion) -> list[tuple[str, str]]:
    return [
        ("lambda:Invoke", function.function_arn),
        ("lambda:InvokeFunction", function.function_arn),
    ]


def _outcome(rule: FaultRule, request_id: str, error_type: str, reason: str) -> Outcome:
    message = f"RequestId: {request_id} Error: {reason}"
    lines = [LogLine.now(f"{message} (fault {rule.id} {rule.when} the invocation)")]
    return Outcome({"errorType": error_type, "errorMessage": message}, failed=True, log=lines)
