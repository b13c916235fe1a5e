"""The resource that a call is authorized on.

Every action names its resource types (https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html):
``ssm:GetParametersByPath`` the path, ``ssm:GetParameters`` each parameter, the actions on a table's
stream the stream, ``ses:SendEmail`` the sender's identity, message move tasks the queue, and
``lambda:InvokeFunction`` the alias or version that is invoked.
MiniStack authorizes these on ``*``, so that a policy that names the resource refuses them, and an
invocation by ``Qualifier`` on the function as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from email.utils import parseaddr
from functools import partial
from typing import Any

from trunkline_localcloud.patching import expect, replace
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "authorization_resources"
_LOOKUP = ("service", "method", "path", "headers", "body", "query_params", "region", "account_id")
_ENFORCE = ("access_key_id", "iam_action", "service", "region", "resource_arn", "service_context")
_COLONS_OF_A_FUNCTION = 6
_SEND = ("/v2/email/outbound-emails", "/v2/email/outbound-bulk-emails")


def install(_settings: CloudSettings) -> None:
    """Name the resource where MiniStack does not."""
    from ministack.core import iam_actions, iam_evaluator

    replace(_GAP, iam_actions, "extract_resource_arn", _LOOKUP, partial(partial, _resource))
    replace(_GAP, iam_evaluator, "enforce", _ENFORCE, partial(partial, _enforce_each))


def _resource(
    original: Callable[..., str],
    service: str,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    query_params: Mapping[str, Any],
    region: str,
    account_id: str,
) -> str:
    found = original(service, method, path, headers, body, query_params, region, account_id)
    if service == "lambda" and path.endswith("/invocations"):
        return _with_qualifier(found, query_params)
    if found != "*" or service not in _BY_SERVICE:
        return found
    content = _json(body)
    if service == "ses" and path.rstrip("/") not in _SEND:
        return found
    return _BY_SERVICE[service](content, f"{region}:{account_id}") or found


def _enforce_each(
    original: Callable[..., Any],
    access_key_id: str,
    iam_action: str,
    service: str,
    region: str,
    resource_arn: str = "*",
    service_context: dict[str, Any] | None = None,
) -> Any:
    """A call that names several resources must be allowed on each; they are joined by a space."""
    for each in resource_arn.split(" "):
        denied = original(access_key_id, iam_action, service, region, each, service_context)
        if denied is not None:
            return denied
    return None


def _with_qualifier(function_arn: str, query_params: Mapping[str, Any]) -> str:
    qualifier = query_params.get("Qualifier")
    if isinstance(qualifier, list):
        qualifier = qualifier[0]
    if not qualifier or function_arn.count(":") != _COLONS_OF_A_FUNCTION:
        return function_arn
    return f"{function_arn}:{qualifier}"


def _of_parameters(content: Mapping[str, Any], where: str) -> str:
    names: Iterable[str] = content.get("Names") or []
    if path := content.get("Path"):
        names = [path]
    return " ".join(f"arn:aws:ssm:{where}:parameter/{name.strip('/')}" for name in names)


def _of_stream(content: Mapping[str, Any], _where: str) -> str:
    from ministack.services import dynamodb_streams

    if iterator := content.get("ShardIterator"):
        decode = expect(_GAP, dynamodb_streams, "_decode_iterator", ("token",))
        return str((decode(iterator) or {}).get("arn", ""))
    return str(content.get("StreamArn", ""))


def _of_queue(content: Mapping[str, Any], _where: str) -> str:
    return str(content.get("SourceArn", ""))


def _of_sender(content: Mapping[str, Any], where: str) -> str:
    """The identity that was verified for the sender: the address, or else its domain."""
    from ministack.services import ses_v2

    if arn := content.get("FromEmailAddressIdentityArn"):
        return str(arn)
    address = parseaddr(content.get("FromEmailAddress", ""))[1]
    if not address:
        return ""
    identities = expect(_GAP, ses_v2, "_identities")
    identity = address if address in identities else address.partition("@")[2]
    return f"arn:aws:ses:{where}:identity/{identity}"


_BY_SERVICE: dict[str, Callable[[Mapping[str, Any], str], str]] = {
    "ssm": _of_parameters,
    "dynamodbstreams": _of_stream,
    "ses": _of_sender,
    "sqs": _of_queue,
}


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        content = json.loads(body or b"{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
