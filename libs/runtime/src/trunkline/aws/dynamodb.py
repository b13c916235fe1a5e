"""DynamoDB's JSON protocol, spoken directly: almost every function needs it.

Making botocore's client costs a cold start more than everything else together, and each of its
calls several times what signing and sending costs; docs/decisions/ has the numbers. The protocol: https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
"""

from __future__ import annotations

import base64
import json
import os
import random
import time
from collections.abc import Callable
from http.client import HTTPException
from typing import Any

from trunkline.aws.sigv4 import Credentials, signed
from trunkline.aws.transport import Answer, Transport
from trunkline.errors import AwsError

SERVICE = "dynamodb"
ATTEMPTS = 3

_TARGET = "DynamoDB_20120810"

_MAX_DELAY_SECONDS = 20
_TRANSIENT_STATUSES = frozenset({500, 502, 503, 504})
_RETRIED_CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
"""https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html"""


class RetryQuota:
    """Ends retrying when most of what is retried fails, as the SDKs' standard mode does."""

    CAPACITY = 500
    COST = 5

    def __init__(self) -> None:
        self._left = self.CAPACITY

    def take(self) -> bool:
        """Whether one more retry may be made."""
        if self._left < self.COST:
            return False
        self._left -= self.COST
        return True

    def give_back(self, retries: int) -> None:
        """Account for a success after so many retries."""
        self._left = min(self.CAPACITY, self._left + max(1, retries * self.COST))


class DynamoClient:
    """A client whose operations are methods with the names and arguments of botocore's.

    Answers are as on the wire: a ``B`` is base64.
    """

    def __init__(
        self,
        endpoint: str,
        region: str,
        credentials: Callable[[], Credentials],
        transport: Transport,
        *,
        random: Callable[[], float] = random.random,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._url = endpoint.rstrip("/") + "/"
        self._host, _, path = endpoint.partition("://")[2].rstrip("/").partition("/")
        self._path = f"/{path}/" if path else "/"
        self._region = region
        self._credentials = credentials
        self._transport = transport
        self._random = random
        self._sleep = sleep
        self._clock = clock
        self._quota = RetryQuota()

    def __getattr__(self, name: str) -> Callable[..., dict[str, Any]]:
        """An operation by botocore's name for it, ``put_item``."""
        if name.startswith("_"):
            raise AttributeError(name)
        operation = "".join(word.capitalize() for word in name.split("_"))

        def call(**request: Any) -> dict[str, Any]:
            return self._call(operation, request)

        setattr(self, name, call)
        return call

    def _call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        body = json.dumps(request, separators=(",", ":"), default=_base64).encode()
        retries = 0
        while True:
            try:
                answer = self._attempt(operation, body)
            except AwsError as error:
                if retries + 1 == ATTEMPTS or not _worth_retrying(error) or not self._quota.take():
                    raise
                self._sleep(self._random() * min(2**retries, _MAX_DELAY_SECONDS))
                retries += 1
            else:
                self._quota.give_back(retries)
                return answer

    def _attempt(self, operation: str, body: bytes) -> dict[str, Any]:
        headers = {
            "content-type": "application/x-amz-json-1.0",
            "host": self._host,
            "x-amz-target": f"{_TARGET}.{operation}",
        }
        sent = signed(
            headers,
            body,
            path=self._path,
            credentials=self._credentials(),
            service=SERVICE,
            region=self._region,
            now=self._clock(),
        )
        sent["user-agent"] = "trunkline"
        trace = os.environ.get("_X_AMZN_TRACE_ID")
        if trace is not None:
            # By this Lambda finds functions that invoke themselves in a circle.
            sent["x-amzn-trace-id"] = trace
        try:
            answer = self._transport.send(self._url, sent, body)
        except (OSError, HTTPException) as error:
            raise AwsError(SERVICE, operation, "Unreachable", repr(error)) from error
        if answer.status >= 300:
            raise _error(operation, answer)
        found: dict[str, Any] = json.loads(answer.body or b"{}")
        return found


def _worth_retrying(error: AwsError) -> bool:
    return error.status is None or (
        error.status in _TRANSIENT_STATUSES or error.code in _RETRIED_CODES
    )


def _error(operation: str, answer: Answer) -> AwsError:
    try:
        fields = json.loads(answer.body)
    except ValueError:
        fields = {}
    code = str(fields.pop("__type", "")).rpartition("#")[2] or str(answer.status)
    message = fields.pop("message", None) or fields.pop("Message", None) or ""
    return AwsError(SERVICE, operation, code, message, status=answer.status, fields=fields)


def _base64(value: Any) -> str:
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} has no place in AWS's JSON")
