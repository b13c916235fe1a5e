"""Testing a service in process: ``with ServiceHarness(service) as harness``."""

from trunkline.testing.aws.faults import Crashed, Failure
from trunkline.testing.cloud import Email
from trunkline.testing.harness import Answer, DeadLetter, ServiceHarness
from trunkline.testing.memory import MemoryStore
from trunkline.testing.memory_sequences import MemorySequences
from trunkline.testing.neighbours import Neighbour

__all__ = [
    "Answer",
    "Crashed",
    "DeadLetter",
    "Email",
    "Failure",
    "MemorySequences",
    "MemoryStore",
    "Neighbour",
    "ServiceHarness",
]
