"""The way from the runtime's own clients to moto, inside the process."""

from __future__ import annotations

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from moto.core.models import botocore_stubber

from trunkline.aws.transport import Answer


class MotoTransport:
    """A :class:`trunkline.aws.transport.Transport` that moto answers.

    moto itself intercepts what botocore and requests send, and nothing else.
    """

    def send(self, url: str, headers: dict[str, str], body: bytes) -> Answer:
        """Ask moto."""
        fields = HTTPHeaders()
        for name, value in headers.items():
            fields[name] = value
        request = AWSPreparedRequest("POST", url, fields, body, stream_output=False)
        answer = botocore_stubber.process_request(request)
        if answer is None:
            raise ConnectionError(f"moto answers nothing at {url}")
        status, given, content = answer
        names = {str(name).lower(): str(value) for name, value in given.items()}
        return Answer(status, names, content.encode() if isinstance(content, str) else content)

    def close(self) -> None:
        """Nothing is kept."""
