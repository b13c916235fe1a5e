"""What API Gateway answers to callers that it does not admit to an ``AWS_IAM`` method.

AWS refuses a call without a signature with "Missing Authentication Token", a signature for another
region or service by naming the right one, and a caller that a policy denies with ``Message``,
capitalised, and the resource with all but four digits of the account hidden; a private API without
a resource policy admits nobody
(https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html,
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-private-api-create.html).
MiniStack takes a signature for any region and service, and answers denials in its general form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from trunkline_localcloud.patching import expect, replace
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "execute_api"
_ACTION = "execute-api:Invoke"
_CREDENTIAL = re.compile(r"Credential=[^/,]+/\d{8}/([^/,]*)/([^/,]*)/aws4_request")
_DENIAL = re.compile(r"User: (\S+) is not authorized to perform: \S+(?: on resource: \S+)? (.+)")


def install(_settings: CloudSettings) -> None:
    """Refuse as AWS does."""
    from ministack import app
    from ministack.services import apigateway_v1

    for name in ("_GatewayError", "_gateway_error_response", "_rest_apis", "stages_for_api"):
        expect(_GAP, apigateway_v1, name)
    parameters = (
        "api_id",
        "stage",
        "method",
        "execute_path",
        "headers",
        "query_params",
        "iam_action",
    )
    replace(_GAP, app, "_enforce_execute_api", parameters, _refuse_as_aws)


def _refuse_as_aws(original: Callable[..., Any]) -> Callable[..., Any]:
    from ministack.services import apigateway_v1

    def enforce(
        api_id: str,
        stage: str,
        method: str,
        path: str,
        headers: dict[str, str],
        query: dict[str, list[str]],
        iam_action: str = _ACTION,
    ) -> Any:
        scope = apigateway_v1.find_api_scope(api_id)
        authorization = apigateway_v1.method_authorization_type(api_id, stage, method, path)
        if scope is None or authorization != "AWS_IAM" or iam_action != _ACTION:
            return original(api_id, stage, method, path, headers, query, iam_action)
        gateway = _Gateway(api_id, stage, headers, query, scope)
        refusal = gateway.refuse_signature()
        if refusal is not None:
            return refusal
        response = original(api_id, stage, method, path, headers, query, iam_action)
        if response is None:
            return gateway.refuse_without_policy()
        if "x-amzn-ErrorType" in response[1]:
            return response
        return gateway.refuse_principal(response, method, path)

    return enforce


class _Gateway:
    """The gateway responses of one call to one stage."""

    def __init__(
        self,
        api_id: str,
        stage: str,
        headers: dict[str, str],
        query: dict[str, list[str]],
        scope: tuple[str, str],
    ) -> None:
        self._api_id = api_id
        self._stage = stage
        self._headers = headers
        self._query = query
        self._account_id, self._region = scope

    def refuse_signature(self) -> Any:
        """The answer to a missing or misdirected signature, or None."""
        credential = self._headers.get("authorization", "")
        if "X-Amz-Credential" in self._query:
            key = self._query["X-Amz-Credential"][0]
            credential = f"Credential={key}"
        if not credential:
            return self._answer("MISSING_AUTHENTICATION_TOKEN", "Missing Authentication Token")
        found = _CREDENTIAL.search(credential)
        if found is None:
            return None
        region, service = found.groups()
        if region != self._region:
            message = f"Credential should be scoped to a valid region, not '{region}'. "
            return self._answer("INVALID_SIGNATURE", message, "InvalidSignatureException")
        if service != "execute-api":
            message = "Credential should be scoped to correct service: 'execute-api'. "
            return self._answer("INVALID_SIGNATURE", message, "InvalidSignatureException")
        return None

    def refuse_without_policy(self) -> Any:
        """The answer of a private API that has no resource policy, or None."""
        from ministack.services import apigateway_v1

        api = apigateway_v1._rest_apis.get_scoped(self._account_id, self._region, self._api_id)
        types = (api.get("endpointConfiguration") or {}).get("types") or []
        if "PRIVATE" not in types or api.get("policy"):
            return None
        return self._answer(
            "ACCESS_DENIED",
            "User: anonymous is not authorized to perform: execute-api:Invoke on resource: "
            f"{self._masked_arn('*', '/*')}",
        )

    def refuse_principal(self, response: Any, method: str, path: str) -> Any:
        """The answer to a caller that policies do not admit, from MiniStack's general one."""
        body = json.loads(response[2])
        found = _DENIAL.match(body.get("message") or body.get("Message") or "")
        if found is None:
            return response
        principal, reason = found.groups()
        return self._answer(
            "ACCESS_DENIED",
            f"User: {principal} is not authorized to perform: {_ACTION} on resource: "
            f"{self._masked_arn(method, path)} {reason.split(': arn:', 1)[0]}",
        )

    def _masked_arn(self, method: str, path: str) -> str:
        account = f"********{self._account_id[-4:]}"
        resource = f"{self._api_id}/{self._stage}/{method}{path}"
        return f"arn:aws:execute-api:{self._region}:{account}:{resource}"

    def _answer(self, response_type: str, message: str, error_type: str | None = None) -> Any:
        from ministack.core.responses import new_uuid, request_scope
        from ministack.services import apigateway_v1

        request = {
            "api_id": self._api_id,
            "stage_name": self._stage,
            "stage": apigateway_v1.stages_for_api(self._api_id).get(self._stage) or {},
            "headers": self._headers,
            "query_params": self._query,
            "path_params": {},
            "resource_path": "",
            "request_id": new_uuid(),
        }
        error = apigateway_v1._GatewayError(response_type, message, error_type)
        with request_scope(self._account_id, self._region):
            return apigateway_v1._gateway_error_response(error, request)
