"""What others may know of a service: its API, its events, its tasks."""

from trunkline.contracts.api import Api, Operation, command, operations, query
from trunkline.contracts.emission import Emission, delayed, one_fact
from trunkline.contracts.message import Event, Message, MessageType, Task, message_type, subject_of
from trunkline.contracts.model import Model
from trunkline.contracts.versions import upcast

__all__ = [
    "Api",
    "Emission",
    "Event",
    "Message",
    "MessageType",
    "Model",
    "Operation",
    "Task",
    "command",
    "delayed",
    "message_type",
    "one_fact",
    "operations",
    "query",
    "subject_of",
    "upcast",
]
