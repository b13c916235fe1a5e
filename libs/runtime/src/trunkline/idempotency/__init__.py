"""One effect for each key."""

from trunkline.idempotency.store import Different, Done, Lock, Running, Store

__all__ = ["Different", "Done", "Lock", "Running", "Store"]
