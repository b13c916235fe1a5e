"""Testing a service in process: ``with ServiceHarness(service) as harness``."""

from trunkline.testing.harness import Answer, DeadLetter, Email, ServiceHarness
from trunkline.testing.neighbours import Neighbour

__all__ = ["Answer", "DeadLetter", "Email", "Neighbour", "ServiceHarness"]
