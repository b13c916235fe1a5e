"""Traces and logs."""

from trunkline.telemetry.tracing import annotate, span, trace_id, traceparent

__all__ = ["annotate", "span", "trace_id", "traceparent"]
