"""The keys and digests under which work is remembered."""

from __future__ import annotations

import hashlib
import json
from typing import Any

KEEP_REQUEST_SECONDS = 24 * 3600
"""How long a response is kept for repeated requests."""
KEEP_MESSAGE_SECONDS = 15 * 24 * 3600
"""How long a message is known as done: longer than a dead-letter queue keeps it (14 days)."""


def request_key(operation: str, caller: str, key: str) -> str:
    """The record of an API call; keys of different callers and operations never meet."""
    return f"api#{operation}#{digest([caller, key])}"


def message_key(function: str, source: str, event_id: str) -> str:
    """The record of an event or task in one subscription.

    Source and id together name an event (CloudEvents 1.0, ``id``); two senders of tasks may have
    chosen the same id.
    """
    return f"message#{function}#{digest([source, event_id])}"


def sequence_key(function: str, source: str, aggregate: str) -> str:
    """How far a subscription has come with one aggregate of a publisher."""
    return f"sequence#{function}#{digest([source, aggregate])}"


def digest(value: Any) -> str:
    """A digest of JSON values that does not depend on the order of fields."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
