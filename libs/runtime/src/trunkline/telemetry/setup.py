"""Telemetry of one process: spans and logs as JSON lines on standard output."""

from __future__ import annotations

from functools import cache

from opentelemetry import trace

from trunkline.telemetry.logs import configure_logs
from trunkline.telemetry.spans import LineTracerProvider


@cache
def configure() -> None:
    """Set up spans and logs, once per process; a tracer provider that is there already stays."""
    configure_logs()
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        trace.set_tracer_provider(LineTracerProvider())
