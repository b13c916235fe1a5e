"""What is known of the request that is being served, for the parts that serve it."""

from __future__ import annotations

from contextvars import ContextVar

__all__ = ["inbound_trace"]

inbound_trace: ContextVar[str | None] = ContextVar("inbound_trace", default=None)
"""Its ``X-Amzn-Trace-Id``; threads that a request starts inherit it."""
