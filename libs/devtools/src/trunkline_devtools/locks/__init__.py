"""The hashed lock files under ``requirements/``."""

from trunkline_devtools.locks.compile import LockFailed, compile_lock
from trunkline_devtools.locks.table import Lock, locks

__all__ = ["Lock", "LockFailed", "compile_lock", "locks"]
