"""Claim check: the data of a message that is too long waits in a bucket, and a reference travels.

The reference is CloudEvents' ``dataref``
(https://github.com/cloudevents/spec/blob/main/cloudevents/extensions/dataref.md). Where data must
be follows from the envelope: its type, its sender, its id and the digest of its content. A consumer
works that out for itself and reads nothing else, whatever a reference says. Since the digest is
part of the place, data never changes once it is referred to.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from hashlib import sha256
from typing import Final, Protocol

from trunkline.contracts.message import MessageType
from trunkline.errors import InvalidMessage, MessageTooLarge
from trunkline.events.cloudevents import CloudEvent
from trunkline.events.outbox import OutboxItem

MAX_MESSAGE_BYTES: Final = 256 * 1024
"""What a topic takes, attributes included, unless its ``MaximumMessageSize`` is raised
(https://docs.aws.amazon.com/sns/latest/dg/large-message-payloads.html). A queue takes 1 MiB
(https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html);
the smaller limit holds for both, so that a message may go either way."""
MAX_ENVELOPE_BYTES: Final = MAX_MESSAGE_BYTES - 2 * 1024
"""Leaves room for attributes and the relay's own trace context."""
MAX_PAYLOAD_BYTES: Final = 16 * 1024 * 1024
"""A batch of ten must fit into a function's memory together with what is made of it."""

_SOURCE = re.compile(r"/services/([a-z][a-z0-9-]*)")


class Payloads(Protocol):
    """Where data waits."""

    @property
    def root(self) -> str:
        """What every reference begins with, as ``s3://bucket/``."""
        ...

    def put(self, key: str, body: bytes) -> None:
        """Keep data; the same key always has the same data."""
        ...

    def get(self, key: str, *, limit: int) -> bytes:
        """The data.

        Raises:
            InvalidMessage: it is longer than ``limit`` bytes.
            PayloadMissing: it cannot be read.
        """
        ...


def fits(envelope: str) -> bool:
    """Whether an envelope is short enough for every channel."""
    return (
        len(envelope) * 4 <= MAX_ENVELOPE_BYTES  # no character takes more than four bytes
        or len(envelope.encode()) <= MAX_ENVELOPE_BYTES
    )


def check_in(item: OutboxItem, payloads: Payloads) -> OutboxItem:
    """Put the data of an item away, and refer to it.

    Called before the transaction that stores the item: data to which nothing ever refers expires,
    a reference without data would be a message lost.

    Raises:
        MessageTooLarge: the message is not declared as large, or is larger than anything may be.
    """
    envelope = item.envelope
    if not item.large:
        size = len(envelope.dump().encode())
        raise MessageTooLarge(envelope.type, size, MAX_ENVELOPE_BYTES, large=False)
    body = json.dumps(envelope.data, ensure_ascii=False, separators=(",", ":")).encode()
    if len(body) > MAX_PAYLOAD_BYTES:
        raise MessageTooLarge(envelope.type, len(body), MAX_PAYLOAD_BYTES, large=True)
    digest = sha256(body).hexdigest()
    key = _key(envelope, digest)
    payloads.put(key, body)
    reference = replace(envelope, data=None, dataref=payloads.root + key, datasha256=digest)
    return replace(item, envelope=reference)


def redeem(envelope: CloudEvent, kind: MessageType, payloads: Payloads | None) -> CloudEvent:
    """The envelope with its data, read from where it must be.

    Raises:
        InvalidMessage: the reference leads elsewhere, the data is not what was put there, or the
            message may not be large.
        PayloadMissing: the data cannot be read.
    """
    if envelope.dataref is None:
        return envelope
    if not kind.large or payloads is None:
        raise InvalidMessage(f"{envelope.type} refers to its data, but is not declared large=True")
    digest = envelope.datasha256 or ""
    sender = _sender(envelope)
    if kind.kind == "event" and sender != kind.service:
        raise InvalidMessage(f"{envelope.type} is {kind.service}'s, not {sender}'s")
    key = _key(envelope, digest)
    if envelope.dataref != payloads.root + key:
        raise InvalidMessage(f"{envelope.type} refers to {envelope.dataref}, not to its own data")
    body = payloads.get(key, limit=MAX_PAYLOAD_BYTES)
    if sha256(body).hexdigest() != digest:
        raise InvalidMessage(f"{envelope.dataref} is not what {envelope.type} refers to")
    return replace(envelope, data=json.loads(body), dataref=None, datasha256=None)


def _key(envelope: CloudEvent, digest: str) -> str:
    return f"{envelope.type}/{_sender(envelope)}/{envelope.id}/{digest}"


def _sender(envelope: CloudEvent) -> str:
    found = _SOURCE.fullmatch(envelope.source)
    if found is None:
        raise InvalidMessage(f"{envelope.type} comes from {envelope.source!r}, no service")
    return found[1]
