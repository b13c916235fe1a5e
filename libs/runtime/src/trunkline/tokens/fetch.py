"""Getting a small public document of an issuer."""

from __future__ import annotations

import urllib3

from trunkline.errors import Unavailable

TIMEOUT_SECONDS = 3.0
MAX_BYTES = 131_072
"""Key sets with certificates are about 20 kB."""

_pool = urllib3.PoolManager(num_pools=2, retries=False)


def fetch(url: str) -> bytes:
    """The document at an address that begins with ``https://``; redirects are not followed.

    Raises:
        Unavailable: there is no answer in time, it is not 200, or it is too long.
    """
    try:
        answer = _pool.request(
            "GET",
            url,
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
            timeout=urllib3.Timeout(total=TIMEOUT_SECONDS),
            redirect=False,
            preload_content=False,
            decode_content=False,  # what is compressed has no length that could be limited
        )
        try:
            content = answer.read(MAX_BYTES + 1) if answer.status == 200 else b""
        finally:
            answer.close()
    except urllib3.exceptions.HTTPError as error:
        raise Unavailable("the issuer does not answer") from error
    if answer.status != 200:
        raise Unavailable(f"the issuer answers {answer.status}")
    if len(content) > MAX_BYTES:
        raise Unavailable(f"the issuer answers with more than {MAX_BYTES} bytes")
    return content
