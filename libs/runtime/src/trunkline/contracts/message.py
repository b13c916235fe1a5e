"""Events and tasks: the messages between services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from trunkline.contracts.model import Model
from trunkline.contracts.naming import service_of, snake_case
from trunkline.errors import DeclarationError


@dataclass(frozen=True)
class MessageType:
    """How a message class is known on the wire."""

    service: str
    """Who publishes the event, or accepts the task."""
    name: str
    """The class's name in snake case, without the version it may end with."""
    version: int
    kind: Literal["event", "task"]
    subject_field: str | None
    """The field whose value is the CloudEvent's ``subject``."""
    large: bool = False
    """Whether it may be longer than a channel takes: its data then waits in the payload bucket."""
    ordered: bool = False
    """Whether subscribers get the events of one subject in the order of their facts."""

    @property
    def wire_name(self) -> str:
        """The CloudEvent's ``type``, as ``orders.order_placed.v1``."""
        return f"{self.service}.{self.name}.v{self.version}"


class Message(Model):
    """What :class:`Event` and :class:`Task` share."""

    __message_type__: ClassVar[MessageType]
    __kind__: ClassVar[Literal["event", "task"]]

    @classmethod
    def __pydantic_init_subclass__(
        cls,
        *,
        version: int | None = None,
        subject: str | None = None,
        service: str | None = None,
        large: bool = False,
        ordered: bool = False,
        **options: Any,
    ) -> None:
        """Give the class its name on the wire."""
        super().__pydantic_init_subclass__(**options)
        if cls.__module__ == __name__:
            return
        if version is None or version < 1:
            raise DeclarationError(f"{cls.__name__} needs a version of 1 or more: version=1")
        if subject is not None and subject not in cls.model_fields:
            raise DeclarationError(f"{cls.__name__} has no field {subject!r} to be its subject")
        if ordered and (subject is None or cls.__kind__ != "event"):
            raise DeclarationError(
                f"{cls.__name__} cannot be ordered: only an event can, and by its subject"
            )
        cls.__message_type__ = MessageType(
            service=service_of(cls.__module__, service),
            name=_name(cls.__name__, version),
            version=version,
            kind=cls.__kind__,
            subject_field=subject,
            large=large,
            ordered=ordered,
        )

    def __init_subclass__(
        cls,
        *,
        version: int | None = None,
        subject: str | None = None,
        service: str | None = None,
        large: bool = False,
        ordered: bool = False,
        **options: Any,
    ) -> None:
        """Declare the class's options to type checkers; pydantic calls the method above later.

        Args:
            version: raised for a change that readers of the last version would misunderstand.
            subject: the field whose value becomes the CloudEvent's ``subject``.
            service: the owner, where the module is not in a package ``<service>_contract``.
            large: whether it may be longer than the 256 KiB that a channel takes; whoever emits or
                handles it may then use the payload bucket.
            ordered: whether an event's subscribers get the events of one subject one after the
                other, in the order of their facts: it goes through a FIFO topic and FIFO queues,
                and is emitted with the record that has the subject as its key.
            options: pydantic's own.
        """
        super().__init_subclass__(**options)


class Event(Message):
    """A fact that a service publishes and others subscribe to.

    ::

        class OrderPlaced(Event, version=1, subject="order_id"):
            order_id: str

    Its name on the wire is ``orders.order_placed.v1``, if its package is ``orders_contract``.
    Versions live side by side: a class whose name ends with its version, as ``OrderPlacedV1``, is
    called ``orders.order_placed.v1``, too (see :func:`trunkline.contracts.upcast`).
    """

    __kind__ = "event"


class Task(Message):
    """Work asked of one service, through its queue."""

    __kind__ = "task"


def _name(class_name: str, version: int) -> str:
    name, _, suffix = snake_case(class_name).rpartition("_v")
    if not name or not suffix.isdigit():
        return snake_case(class_name)
    if int(suffix) != version:
        raise DeclarationError(f"{class_name} ends with another version than version={version}")
    return name


def message_type(message: Message | type[Message]) -> MessageType:
    """How a message, or its class, is known on the wire."""
    return message.__message_type__


def subject_of(message: Message) -> str | None:
    """The value of the message's subject field, if it has one."""
    field = message_type(message).subject_field
    return None if field is None else str(getattr(message, field))
