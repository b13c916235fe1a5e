"""A request's caller and body stay known while it is served.

Operations that do several things at once, such as moving dead letters or reading what a key
encrypts, take several permissions of one caller
(https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service).
MiniStack forgets who signed a request once it has checked the signature.
Here key and body are remembered until the request is answered.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from trunkline_localcloud.patching import expect, replace
from trunkline_localcloud.request_context import caller_key, signed_body
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "known_caller"


def install(_settings: CloudSettings) -> None:
    """Remember caller and body when MiniStack has read them."""
    from ministack import app
    from ministack.core import iam_evaluator

    signed = expect(_GAP, iam_evaluator, "_signed_request")

    def pin(original: Callable[[bytes], None], body: bytes) -> None:
        original(body)
        request = signed.get()
        caller_key.set(request.access_key_id if request is not None else None)
        signed_body.set(body)

    replace(_GAP, app, "pin_signed_body", ("body",), partial(partial, pin))
