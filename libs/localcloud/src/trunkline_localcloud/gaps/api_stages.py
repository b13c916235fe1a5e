"""A stage without access logging has no access log settings.

AWS leaves ``accessLogSettings`` out
(https://docs.aws.amazon.com/apigateway/latest/api/API_Stage.html). MiniStack returns an empty
object, which Terraform takes for settings and wants to remove at every apply. Here it is left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from trunkline_localcloud.patching import replace
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "api_stages"
_ANSWERED_BY = {
    "_create_stage": ("api_id", "data"),
    "_get_stage": ("api_id", "stage_name"),
    "_get_stages": ("api_id",),
    "_update_stage": ("api_id", "stage_name", "data"),
}


def install(_settings: CloudSettings) -> None:
    """Leave empty access log settings out of every answer."""
    from ministack.services import apigateway_v1

    for name, parameters in _ANSWERED_BY.items():
        replace(_GAP, apigateway_v1, name, parameters, partial(partial, _without_empty_settings))


def _without_empty_settings(original: Callable[..., Any], *arguments: Any) -> Any:
    status, headers, body = original(*arguments)
    content = json.loads(body)
    for stage in content.get("item", [content]):
        if not stage.get("accessLogSettings"):
            stage.pop("accessLogSettings", None)
    return status, headers, json.dumps(content).encode()
