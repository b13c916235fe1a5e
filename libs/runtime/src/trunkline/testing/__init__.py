"""Testing a service in process: ``with ServiceHarness(service) as harness``."""

from trunkline.testing.harness import Answer, DeadLetter, Email, ServiceHarness
from trunkline.testing.memory import MemoryStore
from trunkline.testing.memory_sequences import MemorySequences
from trunkline.testing.neighbours import Neighbour

__all__ = [
    "Answer",
    "DeadLetter",
    "Email",
    "MemorySequences",
    "MemoryStore",
    "Neighbour",
    "ServiceHarness",
]
