"""An integration has no HTTP method unless it was given one, and its timeout is a number.

AWS requires ``httpMethod`` for Lambda and HTTP integrations, and a ``MOCK`` integration has none
(https://docs.aws.amazon.com/apigateway/latest/api/API_PutIntegration.html).
MiniStack makes it ``POST``, so that Terraform would replace every ``MOCK`` integration at every
apply. Here the method that nobody asked for is taken out again.

A patch carries every value as text, but the integration's timeout is described as a number
(https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateIntegration.html). MiniStack keeps the
text, which no SDK can read. Here it is made a number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trunkline_localcloud.patching import expect, replace
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "api_integrations"


def install(_settings: CloudSettings) -> None:
    """Keep an integration's HTTP method as it was asked for."""
    from ministack.services import apigateway_v1

    resources = expect(_GAP, apigateway_v1, "_resources")
    get = expect(_GAP, apigateway_v1, "_get_integration", ("api_id", "resource_id", "http_method"))

    def putting(original: Callable[..., Any]) -> Callable[..., Any]:
        def put(api_id: str, resource_id: str, http_method: str, data: dict[str, Any]) -> Any:
            answer = original(api_id, resource_id, http_method, data)
            if answer[0] != 201 or "httpMethod" in data:
                return answer
            method = resources[api_id][resource_id]["resourceMethods"][http_method]
            method["methodIntegration"]["httpMethod"] = None
            _, headers, body = get(api_id, resource_id, http_method)
            return 201, headers, body

        return put

    def updating(original: Callable[..., Any]) -> Callable[..., Any]:
        def update(api_id: str, resource_id: str, http_method: str, data: dict[str, Any]) -> Any:
            changes = [
                {**change, "value": int(change["value"])}
                if change.get("path") == "/timeoutInMillis" and "value" in change
                else change
                for change in data.get("patchOperations", [])
            ]
            return original(api_id, resource_id, http_method, {**data, "patchOperations": changes})

        return update

    replace(
        _GAP,
        apigateway_v1,
        "_update_integration",
        ("api_id", "resource_id", "http_method", "data"),
        updating,
    )
    replace(
        _GAP,
        apigateway_v1,
        "_put_integration",
        ("api_id", "resource_id", "http_method", "data"),
        putting,
    )
