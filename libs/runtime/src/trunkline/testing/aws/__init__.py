"""The clouds that a harness runs a service against, and the faults of one."""

from trunkline.testing.aws.moto_transport import MotoTransport

__all__ = ["MotoTransport"]
