"""Requests over the loopback interface count as secure.

AWS is reached by TLS, and resource policies usually deny whatever is not
(``aws:SecureTransport``,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-securetransport).
MiniStack speaks HTTP and reports it as insecure, so such a policy denies everybody, the
administrator included. The cloud listens on the loopback interface only, where nobody can listen
in, so here that interface stands for TLS.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trunkline_localcloud.patching import replace
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "secure_transport"


def install(_settings: CloudSettings) -> None:
    """Report every request as secure to policies."""
    from ministack.core import iam_evaluator

    replace(_GAP, iam_evaluator, "_resolve_condition_key", ("key", "ctx"), _secure)


def _secure(original: Callable[..., Any]) -> Callable[..., Any]:
    def resolve(key: str, ctx: Any) -> Any:
        return "true" if key.lower() == "aws:securetransport" else original(key, ctx)

    return resolve
