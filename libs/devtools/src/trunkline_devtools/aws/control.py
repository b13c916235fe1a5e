"""The control API of the local cloud: what only an emulator can tell."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as SigningCredentials

from trunkline_devtools.aws.clients import Aws
from trunkline_devtools.errors import CloudCallFailed

__all__ = ["Email", "emails"]

_SERVICE = "localcloud"


@dataclass(frozen=True)
class Email:
    """An e-mail that SES accepted."""

    to: tuple[str, ...]
    subject: str
    text: str
    sent_at: str
    message_id: str

    def mentions(self, text: str) -> bool:
        """Whether the subject or the text holds ``text``."""
        return text in self.subject or text in self.text


def emails(aws: Aws) -> tuple[Email, ...]:
    """Every e-mail that the local cloud's SES accepted, the oldest first.

    Raises:
        CloudCallFailed: the control API refused.
    """
    return tuple(
        Email(
            to=tuple([item["to"]] if isinstance(item["to"], str) else item["to"]),
            subject=str(item.get("subject") or ""),
            text=str(item.get("text") or ""),
            sent_at=str(item.get("sent_at") or ""),
            message_id=str(item.get("message_id") or ""),
        )
        for item in _call(aws, "GET", "/_localcloud/emails")
    )


def _call(aws: Aws, method: str, path: str) -> Any:
    if aws.endpoint is None or aws.credentials is None:
        raise CloudCallFailed("only the local cloud has a control API")
    url = f"{aws.endpoint}{path}"
    request = AWSRequest(method=method, url=url)
    keys = SigningCredentials(aws.credentials.access_key, aws.credentials.secret_key)
    SigV4Auth(keys, _SERVICE, aws.region).add_auth(request)
    try:
        answer = urllib3.request(method, url, headers=dict(request.headers), timeout=10.0)
    except urllib3.exceptions.HTTPError as error:
        raise CloudCallFailed(f"{method} {path} failed: {error}") from error
    if answer.status != 200:
        raise CloudCallFailed(f"{method} {path} answered {answer.status}: {answer.data.decode()}")
    return json.loads(answer.data)
