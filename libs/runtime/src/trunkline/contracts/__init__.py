"""What others may know of a service: its API, its events, its tasks."""

from trunkline.contracts.api import Api, Operation, command, operations, query
from trunkline.contracts.message import Event, Message, MessageType, Task, message_type, subject_of
from trunkline.contracts.model import Model

__all__ = [
    "Api",
    "Event",
    "Message",
    "MessageType",
    "Model",
    "Operation",
    "Task",
    "command",
    "message_type",
    "operations",
    "query",
    "subject_of",
]
