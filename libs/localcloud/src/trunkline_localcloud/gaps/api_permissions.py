"""API Gateway invokes the functions that let it.

The policy of a function must let ``apigateway.amazonaws.com`` invoke it for the method; a call
whose integration may not be invoked ends as 500 with "Internal server error"
(https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway.html). MiniStack invokes any
function.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from trunkline_localcloud.patching import expect, replace
from trunkline_localcloud.service_permissions import service_may
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "api_permissions"
_SERVICE = "apigateway.amazonaws.com"
_PARAMETERS = (
    "integration",
    "api_id",
    "stage_name",
    "stage",
    "resource",
    "request_path",
    "method",
    "headers",
    "body",
    "query_params",
    "path_params",
    "owner_account_id",
    "owner_region",
    "binary_media_types",
    "authorizer_context",
    "caller_identity",
)


def install(_settings: CloudSettings) -> None:
    """Ask the function's policy before it is invoked."""
    from ministack.services import apigateway_v1

    refuse = expect(_GAP, apigateway_v1, "_gw_error", ("response_type", "message"))
    function_of = expect(_GAP, apigateway_v1, "_extract_lambda_ref_from_integration_uri")

    async def invoke(
        original: Callable[..., Awaitable[Any]],
        integration: Mapping[str, Any],
        api_id: str,
        stage_name: str,
        stage: Any,
        resource: Mapping[str, Any],
        request_path: str,
        method: str,
        *rest: Any,
        **more: Any,
    ) -> Any:
        function_arn = function_of(integration.get("uri", ""))
        if function_arn.startswith("arn:"):
            where = f"{more.get('owner_region')}:{more.get('owner_account_id')}"
            source = f"arn:aws:execute-api:{where}:{api_id}/{stage_name}/{method}{resource['path']}"
            if not service_may(_SERVICE, "lambda:InvokeFunction", function_arn, source_arn=source):
                return refuse("API_CONFIGURATION_ERROR", "Internal server error")
        arguments = (integration, api_id, stage_name, stage, resource, request_path, method)
        return await original(*arguments, *rest, **more)

    for name in ("_invoke_lambda_proxy_v1", "_invoke_lambda_custom_v1"):
        replace(_GAP, apigateway_v1, name, _PARAMETERS, partial(partial, invoke))
