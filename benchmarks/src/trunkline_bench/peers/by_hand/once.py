"""Once per key: a conditional put before the work, a conditional update after it."""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections.abc import Callable

from botocore.exceptions import ClientError

from trunkline_bench.peers.shop.store import dynamodb

_KEEP_SECONDS = 24 * 3600


class InProgressError(Exception):
    """The first attempt still runs."""


class MismatchError(Exception):
    """The key was used with another payload."""


def once(key: str, payload: str, seconds: float, work: Callable[[], str]) -> str:
    """The result of the work, or the stored one of an earlier attempt.

    Args:
        key: names the work.
        payload: what it is done with; another one under the same key is refused.
        seconds: until the lock ends.
        work: gives a text.
    """
    table = os.environ["SHOP_IDEMPOTENCY_TABLE"]
    token, now = uuid.uuid4().hex, time.time()
    digest = hashlib.sha256(payload.encode()).hexdigest()
    try:
        dynamodb.put_item(
            TableName=table,
            Item={
                "id": {"S": key},
                "state": {"S": "IN_PROGRESS"},
                "token": {"S": token},
                "payload": {"S": digest},
                "locked_until": {"N": str(int((now + seconds) * 1000))},
                "expires_at": {"N": str(int(now) + _KEEP_SECONDS)},
            },
            ConditionExpression="attribute_not_exists(id) OR expires_at <= :now OR "
            "(#state = :running AND locked_until <= :now_ms)",
            ExpressionAttributeNames={"#state": "state"},
            ExpressionAttributeValues={
                ":now": {"N": str(int(now))},
                ":now_ms": {"N": str(int(now * 1000))},
                ":running": {"S": "IN_PROGRESS"},
            },
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except dynamodb.exceptions.ConditionalCheckFailedException as error:
        return _stored(error, digest)
    result = work()
    dynamodb.update_item(
        TableName=table,
        Key={"id": {"S": key}},
        UpdateExpression="SET #state = :done, #result = :result",
        ConditionExpression="#token = :token",
        ExpressionAttributeNames={"#state": "state", "#result": "result", "#token": "token"},
        ExpressionAttributeValues={
            ":done": {"S": "COMPLETED"},
            ":result": {"S": result},
            ":token": {"S": token},
        },
    )
    return result


def _stored(error: ClientError, digest: str) -> str:
    item = dict(error.response)["Item"]
    if item["payload"]["S"] != digest:
        raise MismatchError from error
    if item["state"]["S"] != "COMPLETED":
        raise InProgressError from error
    return str(item["result"]["S"])
