"""The circuits of a service in DynamoDB, where all its functions see them."""

from __future__ import annotations

from typing import Any

from trunkline import clock, environment
from trunkline.aws.clients import client
from trunkline.aws.items import from_item, to_item
from trunkline.clients.call import CIRCUITS
from trunkline.clients.circuit import Hold
from trunkline.errors import AwsError
from trunkline.manifest import variables

KEY = "id"
TTL = "expires_at"
"""Seconds since 1970 after which DynamoDB may delete the item. Nobody else heeds it: a clock that
is wrong would open or close circuits."""
KEEP_SECONDS = 24 * 3600
"""How long a hold is kept that nobody has replaced, since nobody calls any more."""


class DynamoCircuits:
    """The :class:`trunkline.clients.circuit.CircuitStore` of a running function."""

    def read(self, name: str) -> Hold | None:
        """The hold, as the last write left it."""
        answer = client("dynamodb").get_item(
            TableName=_physical(), Key=to_item({KEY: name}), ConsistentRead=True
        )
        return _hold(answer.get("Item"))

    def swap(self, name: str, old: Hold | None, new: Hold | None) -> Hold | None:
        """Replace the hold if it is still the old version."""
        condition: dict[str, Any] = {
            "TableName": _physical(),
            "ConditionExpression": "attribute_not_exists(#id)",
            "ExpressionAttributeNames": {"#id": KEY},
        }
        if old is not None:
            condition |= {
                "ConditionExpression": "#version = :old",
                "ExpressionAttributeNames": {"#version": "version"},
                "ExpressionAttributeValues": to_item({":old": old.version}),
            }
        try:
            if new is None:
                client("dynamodb").delete_item(Key=to_item({KEY: name}), **condition)
            else:
                item = {
                    KEY: name,
                    "version": new.version,
                    "seconds": new.seconds,
                    TTL: int(clock.now() + KEEP_SECONDS),
                }
                client("dynamodb").put_item(Item=to_item(item), **condition)
        except AwsError as error:
            if not error.condition_failed:
                raise
            # Also our own write, sent again because its first answer got lost: it reads as done.
            return self.read(name)
        return new


def _hold(item: dict[str, Any] | None) -> Hold | None:
    if item is None:
        return None
    found = from_item(item)
    return Hold(found["version"], float(found["seconds"]))


def _physical() -> str:
    return environment.required(variables.table(CIRCUITS))
