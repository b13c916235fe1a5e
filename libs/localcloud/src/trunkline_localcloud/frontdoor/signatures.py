"""Who signed a call of the control API."""

from __future__ import annotations

from urllib.parse import parse_qs

from trunkline_localcloud.frontdoor.asgi import Scope
from trunkline_localcloud.frontdoor.calls import headers_of

__all__ = ["is_administrator"]

_SERVICE = "localcloud"


def is_administrator(scope: Scope, body: bytes, *, access_key: str) -> bool:
    """Whether the administrator's access key signed the request for this service, just now.

    The signature is AWS's version 4
    (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html).
    """
    from ministack.core import iam_evaluator, sigv4

    headers = headers_of(scope)
    if not headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 "):
        return False
    signature = sigv4.parse_header_signature(headers)
    if isinstance(signature, tuple) or signature.service != _SERVICE:
        return False
    if signature.access_key_id != access_key or sigv4.request_time_failure(signature):
        return False
    credential = iam_evaluator.resolve_credential(access_key)
    if isinstance(credential, iam_evaluator.CredentialResolutionError):
        return False
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1")
    failure = sigv4.header_signature_failure(
        signature, credential.secret_access_key, scope["method"], path, query, headers, body
    )
    return failure is None
