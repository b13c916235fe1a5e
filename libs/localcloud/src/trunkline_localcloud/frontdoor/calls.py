"""What a request asks for: which service, whose call, which actions on which resources."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs

from trunkline_localcloud.frontdoor.asgi import Scope
from trunkline_localcloud.functions.credentials import Holder, issuer

__all__ = ["Call", "describe", "headers_of"]

_EXECUTE_API = re.compile(
    r"/(?:restapis|_aws/execute-api)/([^/]+)/([^/]+)(?:/_user_request_)?(/.*)?"
)


@dataclass(frozen=True)
class Call:
    """A request in AWS's terms."""

    service: str
    holder: Holder | None
    """The function's process that signed it, if one did."""
    actions: tuple[tuple[str, str], ...]
    """IAM actions with the ARN that each is done to, the call's own first."""
    headers: dict[str, str]

    @property
    def function(self) -> str | None:
        """Name of the function that signed it, if one did."""
        return self.holder.function.name if self.holder else None


def headers_of(scope: Scope) -> dict[str, str]:
    """Headers by lower-case name."""
    return {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }


def describe(scope: Scope, body: bytes) -> Call:
    """Read a request as the emulator does when it authorises it."""
    from ministack import app
    from ministack.core import iam_actions, router
    from ministack.core.responses import get_account_id

    headers = headers_of(scope)
    method, path = scope["method"], scope["path"]
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    holder = issuer.holder_of(router.extract_access_key_id(headers, query) or "")
    region = router.extract_region(headers, query)
    account_id = get_account_id()
    if found := _EXECUTE_API.fullmatch(path):
        api_id, stage, resource = found[1], found[2], found[3] or "/"
        arn = f"arn:aws:execute-api:{region}:{account_id}:{api_id}/{stage}/{method}{resource}"
        actions = [("execute-api:Invoke", arn), (f"http:{method} {resource}", arn)]
        return Call("apigateway", holder, tuple(actions), headers)
    parameters = app._routing_params(method, path, headers, body, query)
    service = router.detect_service(method, path, headers, parameters)
    action = iam_actions.extract_iam_action(service, method, path, headers, body, parameters)
    if action is None:
        return Call(service, holder, (), headers)
    arn = iam_actions.extract_resource_arn(
        service, method, path, headers, body, parameters, region, account_id
    )
    items = iam_actions.dynamodb_transaction_checks(action, body, region, account_id)
    return Call(service, holder, ((action, arn), *items), headers)
