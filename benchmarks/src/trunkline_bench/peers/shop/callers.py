"""Who calls, and whether that service may: from the role that API Gateway has verified."""

from __future__ import annotations

import os
import re

_ROLE = re.compile(r"^arn:aws[a-z-]*:sts::\d{12}:assumed-role/([^/]+)/[^/]+$")


def service_of(user_arn: str | None) -> str | None:
    """The declared service that a caller's role belongs to, or ``None``."""
    role = _ROLE.match(user_arn or "")
    if role is None:
        return None
    stage = os.environ["SHOP_STAGE"]
    for service in os.environ["SHOP_CALLERS"].split(","):
        if role.group(1).startswith(f"trunkline-{stage}-{service}-"):
            return service
    return None
