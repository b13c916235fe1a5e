"""The Lambda handlers: one for each kind of trigger.

The service is the one that ``TRUNKLINE_ENTRY`` names. Where that is set, it is imported together
with this module, in the time that Lambda grants for initialisation; else at the first event.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from trunkline import environment
from trunkline.declaration.entry import load_service
from trunkline.manifest import variables
from trunkline.program import Program, deadline_of
from trunkline.telemetry import correlation


@cache
def program() -> Program:
    """The program of this process."""
    loaded = Program(load_service(environment.required(variables.ENTRY)))
    loaded.warm(environment.optional(variables.FUNCTION))
    return loaded


def _begun(context: Any) -> float:
    """When the invocation that begins now must end."""
    correlation.invoked(context)
    return deadline_of(context)


def api(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Answer an API call of API Gateway."""
    return program().api.handle(event, _begun(context))


def event(event: Mapping[str, Any], context: Any) -> Any:
    """Process events of the function's SQS queue."""
    return program().event(event, _begun(context))


def tasks(event: Mapping[str, Any], context: Any) -> Any:
    """Process tasks of the service's SQS queue."""
    return program().consumer("tasks").handle(event, _begun(context))


def relay(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Publish what the outbox's stream shows."""
    return program().relay.handle(event, _begun(context))


def rotation(event: Mapping[str, Any], context: Any) -> None:
    """Do one step of a secret's rotation."""
    program().rotation(event, _begun(context))


if environment.optional(variables.ENTRY) is not None:
    program()
