"""CloudEvents 1.0 in structured JSON: the envelope of every event and task.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md, with the
extensions Distributed Tracing, Sequence, Partitioning and Dataref
(https://github.com/cloudevents/spec/tree/v1.0.2/cloudevents/extensions).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias

from pydantic import ValidationError

from trunkline import clock
from trunkline.contracts.message import Message, message_type, subject_of
from trunkline.errors import InvalidMessage

MessageClass: TypeAlias = type[Message]

MAX_ID_LENGTH = 256
"""An id becomes part of a DynamoDB key, which has a limit."""

_REQUIRED = ("specversion", "id", "source", "type")
_OPTIONAL = (
    "subject",
    "traceparent",
    "tracestate",
    "partitionkey",
    "sequence",
    "dataref",
    "datasha256",
)


def rfc3339(moment: datetime) -> str:
    """A moment in UTC as CloudEvents wants it, to the millisecond: later ones sort behind."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class CloudEvent:
    """One envelope."""

    id: str
    source: str
    type: str
    """The wire name of what it carries."""
    subject: str | None
    time: str
    """When the fact was stored, RFC 3339."""
    data: Any
    traceparent: str | None = None
    """The W3C trace context, carried by the distributed tracing extension
    (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/extensions/distributed-tracing.md).
    """
    tracestate: str | None = None
    partitionkey: str | None = None
    """The aggregate that an event tells of: ``orders/4711``, the record with key 4711."""
    sequence: str | None = None
    """The event's place among those of its aggregate; sequences compare as strings."""
    dataref: str | None = None
    """Where the data is instead, if it is too long: :mod:`trunkline.events.payloads`."""
    datasha256: str | None = None
    """SHA-256 of that data, in hexadecimal digits."""

    @classmethod
    def of(
        cls,
        message: Message,
        *,
        event_id: str,
        source: str,
        traceparent: str | None = None,
        tracestate: str | None = None,
    ) -> CloudEvent:
        """The envelope of an event or task.

        Args:
            message: what it carries.
            event_id: the fact's one id.
            source: the emitting service's name.
            traceparent: of the span that emits it.
            tracestate: of the same span.
        """
        return cls(
            id=event_id,
            source=f"/services/{source}",
            type=message_type(message).wire_name,
            subject=subject_of(message),
            time=rfc3339(clock.moment()),
            data=message.model_dump(mode="json"),
            traceparent=traceparent,
            tracestate=tracestate,
        )

    @classmethod
    def parse(cls, text: str) -> CloudEvent:
        """Read an envelope.

        Raises:
            InvalidMessage: it is no CloudEvent 1.0 in structured JSON.
        """
        try:
            fields = json.loads(text)
        except ValueError as error:
            raise InvalidMessage(f"not JSON: {error}") from error
        if not isinstance(fields, dict):
            raise InvalidMessage("not a JSON object")
        for name in _REQUIRED:
            if not isinstance(fields.get(name), str) or not fields[name]:
                raise InvalidMessage(f"not a CloudEvent: no {name}")
        if len(fields["id"]) > MAX_ID_LENGTH:
            raise InvalidMessage(f"the id has more than {MAX_ID_LENGTH} characters")
        if fields["specversion"] != "1.0":
            raise InvalidMessage(f"CloudEvents {fields['specversion']!r} is not 1.0")
        for name in _OPTIONAL:
            if not isinstance(fields.get(name), str):
                fields[name] = None
        return cls(
            id=fields["id"],
            source=fields["source"],
            type=fields["type"],
            subject=fields["subject"],
            time=str(fields.get("time", "")),
            data=fields.get("data"),
            traceparent=fields["traceparent"],
            tracestate=fields["tracestate"],
            partitionkey=fields["partitionkey"],
            sequence=fields["sequence"],
            dataref=fields["dataref"],
            datasha256=fields["datasha256"],
        )

    def traced(self, traceparent: str | None, tracestate: str | None = None) -> CloudEvent:
        """The same fact, sent by another span."""
        return replace(self, traceparent=traceparent, tracestate=tracestate)

    def dump(self) -> str:
        """The envelope as JSON."""
        fields: dict[str, Any] = {
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "subject": self.subject,
            "time": self.time,
            "datacontenttype": "application/json",
            "traceparent": self.traceparent,
            "tracestate": self.tracestate,
            "partitionkey": self.partitionkey,
            "sequence": self.sequence,
            "dataref": self.dataref,
            "datasha256": self.datasha256,
            "data": self.data,
        }
        present = {name: value for name, value in fields.items() if value is not None}
        return json.dumps(present, ensure_ascii=False, separators=(",", ":"))

    def message(self, kind: MessageClass) -> Message:
        """What it carries.

        Raises:
            InvalidMessage: the data does not fit the contract; names the first wrong field.
        """
        try:
            return kind.model_validate(self.data)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            raise InvalidMessage(f"{self.type}: {field}: {first['msg']}") from error
