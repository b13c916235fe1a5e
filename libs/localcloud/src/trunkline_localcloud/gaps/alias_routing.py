"""Aliases: which version an invocation runs, and what it learns about it.

AWS chooses the version per invocation by the alias's ``RoutingConfig``, tells the function the
ARN it was invoked by, with the alias, and shares a function's reserved concurrency among all its
versions (https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html).
MiniStack stores the weights and always runs the alias's first version, tells functions the ARN of
the version except when Invoke is called, and honours reserved concurrency for ``$LATEST`` alone.
Here a record that was looked up by alias keeps the alias's ARN, and the version is chosen at the
one place that every way of invoking passes: direct, API Gateway, event source mappings, events.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from trunkline_localcloud.patching import expect, replace
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "alias_routing"
_Record = dict[str, Any]
_executed: ContextVar[list[str] | None] = ContextVar("executed_version", default=None)
_random = random.SystemRandom()


def install(_settings: CloudSettings) -> None:
    """Choose versions by weight."""
    from ministack.services import lambda_svc

    expect(_GAP, lambda_svc, "_functions")
    lookup, execution = ("func", "qualifier"), ("func", "event")
    invocation = ("name", "event", "headers", "path_qualifier", "query_params")
    replace(_GAP, lambda_svc, "_effective_func_record_for_qualifier", lookup, _keep_alias)
    replace(_GAP, lambda_svc, "_execute_function", execution, _choose_version)
    replace(_GAP, lambda_svc, "_invoke", invocation, _tell_executed_version)
    replace(_GAP, lambda_svc, "_reserved_concurrency", ("func", "config"), _of_the_function)


def _keep_alias(original: Callable[..., Any]) -> Callable[..., Any]:
    """Records that are looked up by alias carry the alias's ARN."""

    def effective(func: _Record | None, qualifier: str | None) -> Any:
        record, configuration = original(func, qualifier)
        if record is None or func is None or qualifier not in func.get("aliases", {}):
            return record, configuration
        alias_arn = func["aliases"][qualifier]["AliasArn"]
        configuration = {**configuration, "FunctionArn": alias_arn}
        return {**record, "config": configuration}, configuration

    return effective


def _choose_version(original: Callable[..., Any]) -> Callable[..., Any]:
    def execute(func: _Record, event: Any) -> Any:
        configuration = func.get("config") or func
        record = _routed(func, configuration)
        executed = _executed.get()
        if executed is not None:
            executed[:] = [(record.get("config") or record).get("Version", "$LATEST")]
        return original(record, event)

    return execute


def _routed(func: _Record, configuration: _Record) -> _Record:
    """The record of the version that this invocation runs."""
    qualifier = _qualifier(configuration)
    base = _base(configuration)
    alias = (base or {}).get("aliases", {}).get(qualifier)
    if base is None or alias is None:
        return func
    weights: dict[str, float] = (alias.get("RoutingConfig") or {}).get(
        "AdditionalVersionWeights", {}
    )
    chosen = alias["FunctionVersion"]
    point = _random.random()
    for version, weight in weights.items():
        if point < weight:
            chosen = version
            break
        point -= weight
    record = base if chosen == "$LATEST" else base["versions"].get(chosen)
    if record is None:
        return func
    own = {**record["config"], "FunctionArn": configuration["FunctionArn"]}
    return {**record, "config": own}


def _tell_executed_version(original: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
    """``X-Amz-Executed-Version`` names the version that ran."""

    async def invoke(*args: Any, **kwargs: Any) -> Any:
        executed: list[str] = []
        token = _executed.set(executed)
        try:
            status, headers, body = await original(*args, **kwargs)
        finally:
            _executed.reset(token)
        if executed and "X-Amz-Executed-Version" in headers:
            headers["X-Amz-Executed-Version"] = executed[0]
        return status, headers, body

    return invoke


def _of_the_function(original: Callable[..., Any]) -> Callable[..., Any]:
    """Reserved concurrency belongs to the function, whichever version runs."""

    def reserved(func: _Record | None, config: _Record) -> Any:
        return original(_base(config) or func, config)

    return reserved


def _base(configuration: _Record) -> _Record | None:
    """The function's own record, from the configuration of any of its versions."""
    from ministack.services import lambda_svc

    parts = configuration.get("FunctionArn", "").split(":")
    if len(parts) < 7:
        return None
    record: _Record | None = lambda_svc._functions.get_scoped(parts[4], parts[3], parts[6])
    return record


def _qualifier(configuration: _Record) -> str:
    parts = configuration.get("FunctionArn", "").split(":")
    return parts[7] if len(parts) > 7 else ""
