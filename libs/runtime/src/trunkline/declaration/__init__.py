"""The declaration of a service, and its manifest."""

from trunkline.declaration.entry import load_service
from trunkline.declaration.handlers import ApiHandler, Handler, MessageHandler, Usable, Use
from trunkline.declaration.idempotent import Idempotent, idempotent
from trunkline.declaration.service import Service

__all__ = [
    "ApiHandler",
    "Handler",
    "Idempotent",
    "MessageHandler",
    "Service",
    "Usable",
    "Use",
    "idempotent",
    "load_service",
]
