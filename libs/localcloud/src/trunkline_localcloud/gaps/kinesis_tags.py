"""Streams keep the tags that they are created with.

``CreateStream`` takes ``Tags`` (https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html).
MiniStack ignores them. Here they are added through MiniStack's own ``AddTagsToStream``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from trunkline_localcloud.patching import expect, replace
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "kinesis_tags"


def install(_settings: CloudSettings) -> None:
    """Tag a stream when it is created."""
    from ministack.services import kinesis

    add_tags = expect(_GAP, kinesis, "_add_tags", ("data",))

    def create(original: Callable[..., Any], data: Mapping[str, Any]) -> Any:
        answer = original(data)
        if answer[0] == 200 and data.get("Tags"):
            add_tags({"StreamName": data["StreamName"], "Tags": data["Tags"]})
        return answer

    replace(_GAP, kinesis, "_create_stream", ("data",), partial(partial, create))
