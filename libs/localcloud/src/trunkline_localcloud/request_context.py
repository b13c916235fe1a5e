"""What is known of the request that is being served, for the parts that serve it."""

from __future__ import annotations

from contextvars import ContextVar

__all__ = ["caller_key", "inbound_trace", "invocation_id", "signed_body"]

inbound_trace: ContextVar[str | None] = ContextVar("inbound_trace", default=None)
"""Its ``X-Amzn-Trace-Id``; threads that a request starts inherit it."""

caller_key: ContextVar[str | None] = ContextVar("caller_key", default=None)
"""The access key that signed it; None for what the cloud does by itself."""

signed_body: ContextVar[bytes] = ContextVar("signed_body", default=b"")
"""Its body as it was signed."""

invocation_id: ContextVar[str | None] = ContextVar("invocation_id", default=None)
"""The id under which it invokes a function; None for what the cloud invokes by itself."""
