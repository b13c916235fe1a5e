"""What Lambda invokes a function with, before anybody relies on its shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trunkline.errors import InvalidEvent


def mapping(event: Any) -> Mapping[str, Any]:
    """An event that is a JSON object.

    Raises:
        InvalidEvent: it is something else.
    """
    if not isinstance(event, Mapping):
        raise InvalidEvent("a JSON object", event)
    return event


def records(event: Any) -> list[Mapping[str, Any]]:
    """The records of a batch; none if the event is no batch.

    Raises:
        InvalidEvent: they are no list of JSON objects.
    """
    found = mapping(event).get("Records") or []
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise InvalidEvent("a list of records", found)
    return found
