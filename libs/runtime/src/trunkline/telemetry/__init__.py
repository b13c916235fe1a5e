"""Traces, metrics and logs.

:mod:`~trunkline.telemetry.tracing` and :mod:`~trunkline.telemetry.metrics` are what code uses;
nothing is imported here, as a declaration needs no OpenTelemetry.
"""
