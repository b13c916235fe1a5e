"""Where AWS is and who we are, as Lambda tells a function; elsewhere botocore finds it out."""

from __future__ import annotations

import os
import re

from trunkline.aws.sigv4 import Credentials

_USUAL_REGION = re.compile(r"(us|us-gov|eu|ap|sa|ca|me|af|il|mx)-[a-z]+-\d+")
_CHOICES = ("AWS_USE_DUALSTACK_ENDPOINT", "AWS_USE_FIPS_ENDPOINT")


def endpoint_of(service: str, region: str) -> str | None:
    """The URL of a service, or ``None`` where only botocore's tables know it.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
    """
    own = os.environ.get(f"AWS_ENDPOINT_URL_{service.upper()}")
    given = own or os.environ.get("AWS_ENDPOINT_URL")
    if given is not None:
        return given
    if not _USUAL_REGION.fullmatch(region) or any(name in os.environ for name in _CHOICES):
        return None
    return f"https://{service}.{region}.amazonaws.com"


def credentials_of_environment() -> Credentials | None:
    """The role's credentials where Lambda puts them; SDKs too look there first."""
    access_key = os.environ.get("AWS_ACCESS_KEY_ID")
    secret_key = os.environ.get("AWS_SECRET_ACCESS_KEY")
    if not access_key or not secret_key:
        return None
    return Credentials(access_key, secret_key, os.environ.get("AWS_SESSION_TOKEN"))
