"""What a service on Trunkline imports: one typed declaration, and everything that runs it."""

from trunkline.contracts import Api, Event, Model, Task, command, delayed, one_fact, query, upcast
from trunkline.declaration import Service, idempotent
from trunkline.errors import TrunklineError
from trunkline.identity import Caller
from trunkline.types import IdempotencyKey, Money, Personal

__all__ = [
    "Api",
    "Caller",
    "Event",
    "IdempotencyKey",
    "Model",
    "Money",
    "Personal",
    "Service",
    "Task",
    "TrunklineError",
    "command",
    "delayed",
    "idempotent",
    "one_fact",
    "query",
    "upcast",
]
