"""Calls to other services and to the world."""

from trunkline.clients.breaker import Breaker
from trunkline.clients.call import Call
from trunkline.clients.outbound import Outbound

__all__ = ["Breaker", "Call", "Outbound"]
