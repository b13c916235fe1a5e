"""How functions run.

AWS runs each concurrent invocation in an execution environment of its own: the function's package
and nothing else, the reserved variables, the role's credentials; errors are reported by class name
with a stack trace, an exit as ``Runtime.ExitError``, a timeout as ``Sandbox.Timedout``
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html,
https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html).
MiniStack runs Python functions on its own interpreter with its own packages and environment,
extracts the package once per process, reports every error as ``Runtime.HandlerError``, ends the
process after each, waits 50 ms for log lines, and makes a log stream per invocation.
Here Python functions run in ``trunkline_localcloud.functions``; other runtimes are left alone.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

from trunkline_localcloud.errors import NoCapacity
from trunkline_localcloud.functions import (
    FunctionRuntime,
    FunctionVersion,
    Invocation,
    Outcome,
)
from trunkline_localcloud.patching import expect, replace
from trunkline_localcloud.request_context import inbound_trace, invocation_id
from trunkline_localcloud.role_permissions import role_may
from trunkline_localcloud.settings import CloudSettings

__all__ = ["close", "drain", "install"]

_GAP = "function_processes"
_LOGGED = "execution-environment"

_Patch = Callable[[Callable[..., Any]], Callable[..., Any]]
_runtimes: list[FunctionRuntime] = []


def install(settings: CloudSettings) -> None:
    """Run Python functions in processes of their own."""
    from ministack.services import cloudwatch_logs, lambda_svc

    runtime = FunctionRuntime(
        directory=settings.functions_dir.resolve(), endpoint=f"http://127.0.0.1:{settings.port}"
    )
    _runtimes.append(runtime)
    expect(_GAP, cloudwatch_logs, "_put_log_events", ("data",))
    execution = ("func", "event", "request_id")
    logging = ("func", "request_id", "log_text", "error", "duration_ms", "log_source")
    invalidation = ("func_name", "qualifier", "account", "region")
    replace(_GAP, lambda_svc, "_execute_function_warm", execution, _run_in_process(runtime))
    replace(_GAP, lambda_svc, "_emit_lambda_logs", logging, _skip_what_is_logged)
    replace(_GAP, lambda_svc, "invalidate_worker", invalidation, _retire_processes(runtime))


def drain(timeout: float) -> None:
    """Start no function any more, and wait up to ``timeout`` seconds for those that run."""
    for runtime in _runtimes:
        runtime.pool.drain(timeout)


def close() -> None:
    """End every function's process."""
    while _runtimes:
        _runtimes.pop().close()


def _run_in_process(runtime: FunctionRuntime) -> _Patch:
    from ministack.services import lambda_svc

    throttled = expect(_GAP, lambda_svc, "_throttle_response")
    layer_package = expect(_GAP, lambda_svc, "_resolve_layer_zip", ("attachment",))

    def patch(original: Callable[..., Any]) -> Callable[..., Any]:
        def execute(func: dict[str, Any], event: Any, request_id: str) -> Any:
            configuration = func.get("config") or func
            function = FunctionVersion.from_configuration(configuration)
            package = func.get("code_zip")
            if not package or not runtime.can_run(function):
                return original(func, event, request_id)
            arn = configuration["FunctionArn"]
            known = invocation_id.get() or request_id
            invocation = Invocation(event, known, arn, inbound_trace.get() or _new_trace())
            try:
                environment, outcome = runtime.run(
                    function, invocation, package=package, layer_package=layer_package
                )
            except NoCapacity:
                return throttled(
                    reason_code="ConcurrentInvocationLimitExceeded",
                    msg="Rate Exceeded: every process of the function is busy.",
                )
            _write_log(function, environment.log_stream, outcome)
            return _result(outcome)

        return execute

    return patch


def _result(outcome: Outcome) -> dict[str, Any]:
    """An outcome in the shape that MiniStack's invokers expect."""
    result = {
        "body": outcome.payload,
        "log": "\n".join(line.message for line in outcome.log),
        "log_source": _LOGGED,
    }
    if outcome.failed:
        result.update(error=True, function_error="Unhandled")
    return result


def _skip_what_is_logged(original: Callable[..., None]) -> Callable[..., None]:
    def emit(*args: Any, log_source: str | None = None) -> None:
        if log_source != _LOGGED:
            original(*args, log_source=log_source)

    return emit


def _retire_processes(runtime: FunctionRuntime) -> _Patch:
    from ministack.services import lambda_svc

    function_arn = expect(_GAP, lambda_svc, "_func_arn", ("name",))

    def patch(original: Callable[..., None]) -> Callable[..., None]:
        def invalidate(func_name: str, qualifier: str | None = None, **scope: str | None) -> None:
            runtime.pool.retire(function_arn(func_name), qualifier)
            original(func_name, qualifier, **scope)

        return invalidate

    return patch


def _new_trace() -> str:
    """A trace that begins here; sampled, as the first of each second is by X-Ray's default rule
    (https://docs.aws.amazon.com/xray/latest/devguide/xray-console-sampling.html)."""
    root = f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    return f"Root={root};Parent={secrets.token_hex(8)};Sampled=1"


def _write_log(function: FunctionVersion, stream: str, outcome: Outcome) -> None:
    """Append to the process's log stream, as far as its role may; what is missing is made."""
    from ministack.services import cloudwatch_logs

    group = function.log_group
    arn = f"arn:aws:logs:{function.region}:{function.account_id}:log-group:{group}"
    missing = group not in cloudwatch_logs._log_groups
    needed = ["logs:CreateLogStream", "logs:PutLogEvents"]
    if missing:
        needed.append("logs:CreateLogGroup")
    resource = f"{arn}:log-stream:{stream}"
    if not all(role_may(function.role_arn, each, resource) for each in needed):
        return
    if missing:
        cloudwatch_logs._create_log_group({"logGroupName": group})
    if stream not in cloudwatch_logs._log_groups[group]["streams"]:
        cloudwatch_logs._create_log_stream({"logGroupName": group, "logStreamName": stream})
    events = [{"timestamp": line.timestamp_ms, "message": line.message} for line in outcome.log]
    cloudwatch_logs._put_log_events(
        {"logGroupName": group, "logStreamName": stream, "logEvents": events}
    )
