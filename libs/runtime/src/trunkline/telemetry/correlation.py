"""What every log line of one piece of work carries, so that lines can be found by it.

Noting a fact costs a dictionary entry; outside of any work it is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

_request_id: ContextVar[str | None] = ContextVar("trunkline_request_id", default=None)
_facts: ContextVar[dict[str, Any] | None] = ContextVar("trunkline_facts", default=None)


def invoked(context: Any) -> None:
    """Remember Lambda's id of this invocation until the next one begins.

    Args:
        context: Lambda's context object; its ``aws_request_id`` is in Lambda's own lines too
            (https://docs.aws.amazon.com/lambda/latest/dg/python-context.html).
    """
    _request_id.set(getattr(context, "aws_request_id", None))


@contextmanager
def work() -> Iterator[None]:
    """One piece of work, as an API call or a message: what is noted inside ends with it."""
    token = _facts.set({})
    try:
        yield
    finally:
        _facts.reset(token)


def note(name: str, value: Any) -> None:
    """Have the log lines of this piece of work carry a fact; nothing secret or personal."""
    facts = _facts.get()
    if facts is not None and value is not None:
        facts[name] = value


def known() -> Mapping[str, Any]:
    """What a log line carries now."""
    request_id, facts = _request_id.get(), _facts.get() or {}
    return facts if request_id is None else {"request_id": request_id, **facts}
