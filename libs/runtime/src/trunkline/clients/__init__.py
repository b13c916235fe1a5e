"""Calls to other services and to the world."""

from trunkline.clients.call import Call
from trunkline.clients.outbound import Outbound

__all__ = ["Call", "Outbound"]
