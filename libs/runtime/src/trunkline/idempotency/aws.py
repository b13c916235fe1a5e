"""Idempotency records in DynamoDB.

Powertools' persistence layer does the same but for two things that this runtime promises: an
attempt that outlived its lock must not overwrite its successor's result (its update has no
condition), and a waiting caller must learn for how long. Importing it also costs about 180 ms.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, cast

from trunkline import environment
from trunkline.aws.clients import client
from trunkline.aws.items import from_item, to_item
from trunkline.clock import now
from trunkline.errors import AwsError, InternalError, LockLost
from trunkline.idempotency.parts import join, split
from trunkline.idempotency.store import Different, Done, Lock, Running
from trunkline.manifest import variables

TABLE = "idempotency"
KEY = "id"
TTL = "expires_at"
"""Seconds since 1970 after which DynamoDB may delete the record, and nobody heeds it."""

_LOCKED, _DONE = "IN_PROGRESS", "COMPLETED"
_PART_SECONDS = 3600
"""How much longer the parts of a result are kept than the record that names them."""


class DynamoStore:
    """The :class:`trunkline.idempotency.store.Store` of a running function."""

    def __init__(self, *, clock: Callable[[], float] = now) -> None:
        self._clock = clock

    def acquire(
        self, key: str, payload: str, *, lock_seconds: float, keep_seconds: float
    ) -> Lock | Done | Running | Different:
        """Ask for the right to do the work."""
        token = uuid.uuid4().hex
        while True:
            now = self._clock()
            values = {
                KEY: key,
                "state": _LOCKED,
                "token": token,
                "payload": payload,
                "locked_until": int((now + lock_seconds) * 1000),
                TTL: int(now + keep_seconds),
            }
            try:
                client("dynamodb").put_item(
                    TableName=_physical(),
                    Item=to_item(values),
                    ConditionExpression="attribute_not_exists(#id) OR #ttl <= :now OR "
                    "(#state = :locked AND #until <= :now_ms AND #payload = :payload)",
                    ExpressionAttributeNames={
                        "#id": KEY,
                        "#ttl": TTL,
                        "#state": "state",
                        "#until": "locked_until",
                        "#payload": "payload",
                    },
                    ExpressionAttributeValues=to_item(
                        {
                            ":now": int(now),
                            ":locked": _LOCKED,
                            ":now_ms": int(now * 1000),
                            ":payload": payload,
                        }
                    ),
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except AwsError as error:
                if not error.condition_failed:
                    raise
                found = _existing(error) or self._read(key)
                if found is None:
                    continue  # it vanished between the two requests: ask again
                return self._outcome(found, Lock(key, token), payload)
            return Lock(key, token)

    def complete(self, lock: Lock, result: str | None, *, keep_seconds: float) -> None:
        """Record that the work is done."""
        expires_at = int(self._clock() + keep_seconds)
        parts = split(result or "")
        for number, part in enumerate(parts):
            # Under this attempt's own token, so that a late one cannot overwrite these either.
            values = {KEY: _part(lock.key, lock.token, number), TTL: expires_at + _PART_SECONDS}
            client("dynamodb").put_item(
                TableName=_physical(), Item=to_item({**values, "part": part})
            )
        try:
            client("dynamodb").update_item(
                TableName=_physical(),
                Key=to_item({KEY: lock.key}),
                UpdateExpression="SET #state = :done, #result = :result, "
                "#parts = :parts, #ttl = :ttl",
                ConditionExpression="#token = :token",
                ExpressionAttributeNames={
                    "#state": "state",
                    "#result": "result",
                    "#parts": "parts",
                    "#ttl": TTL,
                    "#token": "token",
                },
                ExpressionAttributeValues=to_item(
                    {
                        ":done": _DONE,
                        ":result": None if parts else result,
                        ":parts": len(parts),
                        ":ttl": expires_at,
                        ":token": lock.token,
                    }
                ),
            )
        except AwsError as error:
            if error.condition_failed:
                raise LockLost(lock.key) from error
            raise

    def release(self, lock: Lock) -> None:
        """Give the right back."""
        try:
            client("dynamodb").delete_item(
                TableName=_physical(),
                Key=to_item({KEY: lock.key}),
                ConditionExpression="#token = :token AND #state = :locked",
                ExpressionAttributeNames={"#token": "token", "#state": "state"},
                ExpressionAttributeValues=to_item({":token": lock.token, ":locked": _LOCKED}),
            )
        except AwsError as error:
            if not error.condition_failed:
                raise

    def _outcome(
        self, found: dict[str, Any], lock: Lock, payload: str
    ) -> Lock | Done | Running | Different:
        if found["token"] == lock.token and found["state"] == _LOCKED:
            return lock  # our own request, sent again because its first answer got lost
        if found["payload"] != payload:
            return Different()
        if found["state"] == _DONE:
            return Done(self._result(found, lock.key))
        return Running(max(0.0, found["locked_until"] / 1000 - self._clock()))

    def _result(self, found: dict[str, Any], key: str) -> str | None:
        if not found["parts"]:
            return cast("str | None", found["result"])
        names = [_part(key, found["token"], number) for number in range(found["parts"])]
        parts = [self._read(name) for name in names]
        if None in parts:  # they outlive the record, so somebody has deleted them
            raise InternalError(f"the stored result of {key} is not complete")
        return join([part["part"] for part in parts if part is not None])

    def _read(self, key: str) -> dict[str, Any] | None:
        answer = client("dynamodb").get_item(
            TableName=_physical(), Key=to_item({KEY: key}), ConsistentRead=True
        )
        item = answer.get("Item")
        return None if item is None else from_item(item)


def _part(key: str, token: str, number: int) -> str:
    return f"{key}#{token}#{number}"


def _physical() -> str:
    return environment.required(variables.table(TABLE))


def _existing(error: AwsError) -> dict[str, Any] | None:
    item = error.fields.get("Item")
    return from_item(item) if item else None
