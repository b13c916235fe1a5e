"""Keys that skip the signature check.

AWS checks every signature; an unsigned S3 request is anonymous, which a bucket without a public
policy refuses (https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-management.html).
MiniStack takes the keys ``test``, "", any twelve digits and its own environment's key for the
root user without looking at the signature, and answers unsigned requests to S3 and to function
URLs as root.
Here no key is a root key, so such a key is as unknown as any other, and an unsigned request is
denied unless it goes to a public function URL.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trunkline_localcloud.patching import expect, replace
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "root_keys"


def install(_settings: CloudSettings) -> None:
    """Make no access key a root key."""
    from ministack.core import iam_evaluator
    from ministack.services import sts

    def is_root_access_key(_access_key_id: str) -> bool:
        return False

    for module in (iam_evaluator, sts):
        replace(
            _GAP,
            module,
            "is_root_access_key",
            ("access_key_id",),
            lambda _original: is_root_access_key,
        )
    anonymous = expect(_GAP, iam_evaluator, "_anonymous")
    denied = expect(_GAP, iam_evaluator, "EvalResult")
    served_unsigned = expect(_GAP, iam_evaluator, "_served_unsigned")

    def refuse_anonymous(original: Callable[..., Any]) -> Callable[..., Any]:
        def enforce(
            access_key_id: str, iam_action: str, service: str, *args: Any, **kwargs: Any
        ) -> Any:
            if anonymous.get() and served_unsigned(service, iam_action):
                return None  # such as Cognito's InitiateAuth, which MiniStack serves as root
            if anonymous.get() and service == "s3":
                return denied("ImplicitDeny", principal_arn="anonymous")
            if anonymous.get() and iam_action == "lambda:InvokeFunctionUrl":
                context = kwargs.get("service_context") or {}
                public = context.get("lambda:FunctionUrlAuthType") == "NONE"
                return None if public else denied("ImplicitDeny", principal_arn="anonymous")
            return original(access_key_id, iam_action, service, *args, **kwargs)

        return enforce

    replace(
        _GAP,
        iam_evaluator,
        "enforce",
        ("access_key_id", "iam_action", "service", "region", "resource_arn", "service_context"),
        refuse_anonymous,
    )
