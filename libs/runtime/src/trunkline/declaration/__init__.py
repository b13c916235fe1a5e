"""The declaration of a service, and its manifest."""

from trunkline.declaration.entry import load_service
from trunkline.declaration.handlers import ApiHandler, Handler, MessageHandler, Usable, Use
from trunkline.declaration.service import Service

__all__ = [
    "ApiHandler",
    "Handler",
    "MessageHandler",
    "Service",
    "Usable",
    "Use",
    "load_service",
]
