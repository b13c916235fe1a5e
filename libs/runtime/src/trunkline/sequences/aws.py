"""Sequences in the idempotency table: one item for each subscription and aggregate."""

from __future__ import annotations

import uuid
from typing import Any

from trunkline import clock, environment
from trunkline.aws.clients import client
from trunkline.aws.items import from_item, to_item
from trunkline.errors import AwsError, LockLost
from trunkline.idempotency.aws import KEY, TABLE, TTL
from trunkline.idempotency.keys import KEEP_MESSAGE_SECONDS
from trunkline.idempotency.store import Running
from trunkline.manifest import variables
from trunkline.sequences.turns import Stale, Turn

_NAMES = {
    "#last": "sequence",  # of the newest message that was begun
    "#done": "done",  # whether that was processed to its end
    "#token": "token",
    "#until": "locked_until",
    "#ttl": TTL,
}


class DynamoSequences:
    """The :class:`trunkline.sequences.Sequences` of a running function."""

    def begin(self, key: str, sequence: str, *, lock_seconds: float) -> Turn | Stale | Running:
        """Ask for the turn."""
        turn = Turn(key, sequence, uuid.uuid4().hex)
        now = clock.now()
        found = self._update(
            key,
            "SET #last = :sequence, #done = :no, #token = :token, #until = :until, #ttl = :ttl",
            # A request whose answer got lost is sent again, and then meets its own token.
            "attribute_not_exists(#last) OR ("
            "(#last < :sequence OR (#last = :sequence AND #done = :no)) AND "
            "(#until <= :now OR #token = :token))",
            names=_NAMES,
            values={
                ":token": turn.token,
                ":sequence": sequence,
                ":no": False,
                ":now": int(now * 1000),
                ":until": int((now + lock_seconds) * 1000),
                ":ttl": int(now + KEEP_MESSAGE_SECONDS),
            },
        )
        if found is None:
            return turn
        last: str = found["sequence"]
        if last > sequence or (last == sequence and found["done"]):
            return Stale(last)
        return Running(max(0.0, found["locked_until"] / 1000 - now))

    def finish(self, turn: Turn) -> None:
        """Record that the message was processed."""
        found = self._update(
            turn.key,
            "SET #done = :yes, #until = :free",
            "#token = :token",
            names={name: _NAMES[name] for name in ("#done", "#until", "#token")},
            values={":token": turn.token, ":yes": True, ":free": 0},
        )
        if found is not None:
            raise LockLost(turn.key)

    def abandon(self, turn: Turn) -> None:
        """Give the turn back."""
        self._update(
            turn.key,
            "SET #until = :free",
            "#token = :token",
            names={name: _NAMES[name] for name in ("#until", "#token")},
            values={":token": turn.token, ":free": 0},
        )

    def _update(
        self,
        key: str,
        change: str,
        condition: str,
        *,
        names: dict[str, str],
        values: dict[str, Any],
    ) -> dict[str, Any] | None:
        """Change the item; what it holds instead if the condition does not."""
        try:
            client("dynamodb").update_item(
                TableName=environment.required(variables.table(TABLE)),
                Key=to_item({KEY: key}),
                UpdateExpression=change,
                ConditionExpression=condition,
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=to_item(values),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except AwsError as error:
            if not error.condition_failed:
                raise
            return from_item(error.fields.get("Item") or {})
        return None
