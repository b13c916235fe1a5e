"""A client of the control API."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from trunkline_localcloud.errors import ControlApiError
from trunkline_localcloud.facts import CloudFacts

__all__ = ["ControlClient"]

_TIMEOUT_SECONDS = 10.0


class ControlClient:
    """Calls the control API as the administrator.

    Args:
        facts: Of the running cloud.
    """

    def __init__(self, facts: CloudFacts) -> None:
        self._facts = facts

    def set_faults(self, rules: Sequence[dict[str, Any]]) -> None:
        """Put ``rules`` in force instead of all others.

        Raises:
            ControlApiError: a rule cannot be understood.
        """
        self._call("PUT", "faults", list(rules))

    def faults(self) -> list[dict[str, Any]]:
        """The rules in force, each with its ``hits``."""
        return list(self._call("GET", "faults"))

    def clear_faults(self) -> None:
        """Put no rule in force."""
        self._call("DELETE", "faults")

    def requests(self, *, since: int = 0) -> list[dict[str, Any]]:
        """The recorded calls after number ``since``, the oldest first."""
        return list(self._call("GET", f"requests?since={since}"))

    def emails(self) -> list[dict[str, Any]]:
        """The e-mails that SES accepted, the oldest first."""
        return list(self._call("GET", "emails"))

    def age_stream(self, table: str, seconds: float) -> int:
        """Let every record of a table's stream have been written earlier; how many there are."""
        return int(self._call("POST", "streams", {"table": table, "seconds": seconds})["records"])

    def credentials(self, function: str) -> dict[str, str]:
        """A session of a function's role: access key id, secret access key, session token.

        Raises:
            ControlApiError: there is no such function.
        """
        return dict(self._call("POST", "credentials", {"function": function}))

    def save(self) -> None:
        """Save the state now, so that a hard end of the cloud loses only what happens later."""
        self._call("POST", "state")

    def _call(self, method: str, path: str, content: object = None) -> Any:
        url = f"{self._facts.endpoint}/_localcloud/{path}"
        body = b"" if content is None else json.dumps(content).encode()
        request = AWSRequest(method=method, url=url, data=body)
        keys = Credentials(self._facts.admin_access_key, self._facts.admin_secret_key)
        SigV4Auth(keys, "localcloud", self._facts.region).add_auth(request)
        answer = urllib3.request(
            method, url, body=body, headers=dict(request.headers), timeout=_TIMEOUT_SECONDS
        )
        if answer.status >= 300:
            raise ControlApiError(answer.status, answer.data.decode(errors="replace"))
        return answer.json()
