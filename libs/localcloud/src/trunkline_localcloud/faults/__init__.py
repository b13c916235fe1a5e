"""Failures on purpose: which calls fail, when, and how."""

from trunkline_localcloud.faults.injector import FaultInjector, injector
from trunkline_localcloud.faults.rules import Effect, FaultRule, Moment

__all__ = ["Effect", "FaultInjector", "FaultRule", "Moment", "injector"]
