"""Signature Version 4, as API Gateway checks it for APIs with IAM.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

from __future__ import annotations

from collections.abc import Mapping

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from trunkline.aws.clients import credentials, region, renew_credentials

__all__ = ["renew_credentials", "signed_headers"]


def signed_headers(
    method: str, url: str, headers: Mapping[str, str], body: bytes
) -> dict[str, str]:
    """The headers of a request with its signature by the role that runs here.

    Raises:
        EnvironmentIncomplete: there are no credentials, or no region.
    """
    request = AWSRequest(method=method, url=url, data=body, headers=dict(headers))
    SigV4Auth(ReadOnlyCredentials(*credentials()), "execute-api", region()).add_auth(request)
    return dict(request.headers.items())
