"""Trails keep the tags that they are created with.

``CreateTrail`` takes a ``TagsList``
(https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html).
MiniStack ignores it. Here the tags of the request are added through MiniStack's own ``AddTags``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trunkline_localcloud.patching import expect, replace_entry
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "cloudtrail_tags"


def install(_settings: CloudSettings) -> None:
    """Tag a trail when it is created."""
    from ministack.services import cloudtrail

    add_tags = expect(_GAP, cloudtrail, "_add_tags", ("body",))
    trail_arn = expect(_GAP, cloudtrail, "_trail_arn", ("name",))

    def creating(original: Callable[..., Any]) -> Callable[..., Any]:
        def create(body: dict[str, Any]) -> Any:
            answer = original(body)
            if answer[0] == 200 and body.get("TagsList"):
                add_tags({"ResourceId": trail_arn(body["Name"]), "TagsList": body["TagsList"]})
            return answer

        return create

    replace_entry(_GAP, cloudtrail._DISPATCH, "CreateTrail", ("body",), creating)
