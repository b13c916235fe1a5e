"""A payment provider for laptops and tests, with a ledger of its own."""

from payments_sandbox.keys import Keys
from payments_sandbox.ledger import Charge, ChargeRequest, KeyReused, Ledger
from payments_sandbox.server import SandboxServer

__all__ = ["Charge", "ChargeRequest", "KeyReused", "Keys", "Ledger", "SandboxServer"]
