"""Tables in DynamoDB."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from botocore.exceptions import ClientError

from trunkline import clock, environment
from trunkline.aws.clients import client
from trunkline.aws.items import from_item, to_item
from trunkline.contracts.emission import Emittable
from trunkline.contracts.model import Model
from trunkline.errors import Conflict
from trunkline.events import outbox, payloads
from trunkline.events.outbox import Aggregate
from trunkline.manifest import variables

if TYPE_CHECKING:
    from trunkline.tables.table import Table

M = TypeVar("M", bound=Model)

VERSION = "_version"
"""The attribute that counts the writes of an item."""
WRITE = "_write"
"""The attribute that tells which write made an item, so that a repeated request knows its own."""
BORN = "_born"
"""The attribute that tells when an item was stored first, in milliseconds since 1970."""

_CONFLICTS = frozenset({"ConditionalCheckFailed", "TransactionConflict"})


class DynamoTable(Generic[M]):
    """The adapter behind one :class:`trunkline.tables.Table`."""

    def __init__(self, table: Table[M]) -> None:
        self._table = table

    def get(self, key: str, sort: str | None) -> M | None:
        """The record with that key, read consistently."""
        names = {self._table.key: key}
        if self._table.sort is not None:
            if sort is None:
                raise TypeError(f"table {self._table.name!r} has a sort key: {self._table.sort}")
            names[self._table.sort] = sort
        answer = client("dynamodb").get_item(
            TableName=self._physical(), Key=to_item(names), ConsistentRead=True
        )
        item = answer.get("Item")
        return None if item is None else self._record(item)

    def query(
        self, key: str, *, prefix: str | None, limit: int | None, descending: bool
    ) -> list[M]:
        """The records of one partition."""
        condition, names = "#k = :k", {"#k": self._table.key}
        values = {":k": key}
        if prefix is not None:
            if self._table.sort is None:
                raise TypeError(f"table {self._table.name!r} has no sort key")
            condition += " AND begins_with(#s, :s)"
            names["#s"], values[":s"] = self._table.sort, prefix
        request: dict[str, Any] = {
            "TableName": self._physical(),
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": to_item(values),
            "ConsistentRead": True,
            "ScanIndexForward": not descending,
        }
        found: list[M] = []
        while limit is None or len(found) < limit:
            if limit is not None:
                request["Limit"] = limit - len(found)
            page = client("dynamodb").query(**request)
            found.extend(self._record(item) for item in page.get("Items", ()))
            if "LastEvaluatedKey" not in page:
                break
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
        return found

    def put(self, record: M, emit: Sequence[Emittable]) -> M:
        """Store a record and what it emits."""
        number = record._revision.number
        born = record._revision.born if number else int(clock.now() * 1000)
        write = uuid.uuid4().hex
        values = record.model_dump(mode="json")
        item = to_item({**values, VERSION: number + 1, BORN: born, WRITE: write})
        request = {
            "TableName": self._physical(),
            "Item": item,
            **self._unchanged(number),
        }
        aggregate = Aggregate(self._name(values), born, number + 1)
        self._write("Put", request, emit, aggregate, self._done_by(write))
        record._revision.number, record._revision.born = number + 1, born
        return record

    def delete(self, record: M, emit: Sequence[Emittable]) -> None:
        """Delete a record and store what that emits."""
        keys = [self._table.key, *([self._table.sort] if self._table.sort else [])]
        values = record.model_dump(mode="json", include=set(keys))
        request = {
            "TableName": self._physical(),
            "Key": to_item(values),
            **self._unchanged(record._revision.number),
        }
        revision = record._revision
        aggregate = Aggregate(self._name(values), revision.born, revision.number + 1)
        self._write("Delete", request, emit, aggregate, lambda old: old is None)
        record._revision.number = 0

    def _write(
        self,
        action: str,
        request: dict[str, Any],
        emit: Sequence[Emittable],
        aggregate: Aggregate,
        ours: Callable[[Mapping[str, Any] | None], bool],
    ) -> None:
        dynamodb = client("dynamodb")
        try:
            if emit:
                dynamodb.transact_write_items(
                    TransactItems=[{action: request}, *self._outbox(emit, aggregate)],
                    ClientRequestToken=str(uuid.uuid4()),
                )
            else:
                getattr(dynamodb, f"{action.lower()}_item")(**request)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "ConditionalCheckFailedException":
                # A request whose answer got lost is sent again and then meets its own write.
                if ours(_existing(error)):
                    return
                raise self._conflict() from error
            if code == "TransactionConflictException" or _reasons(error) & _CONFLICTS:
                raise self._conflict() from error
            raise

    def _outbox(self, emit: Sequence[Emittable], aggregate: Aggregate) -> list[dict[str, Any]]:
        physical = environment.required(variables.table(outbox.TABLE))
        puts: list[dict[str, Any]] = []
        for item in outbox.outbox_items(self._table.service, emit, aggregate):
            values = item.values()
            if not payloads.fits(values["envelope"]):
                from trunkline.events.aws import S3Payloads  # hardly any message is so long

                values = payloads.check_in(item, S3Payloads()).values()
            puts.append({"Put": {"TableName": physical, "Item": to_item(values)}})
        return puts

    def _unchanged(self, number: int) -> dict[str, Any]:
        """The condition that the stored state is the one that the record was read from."""
        common = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        if number == 0:
            return {
                "ConditionExpression": "attribute_not_exists(#k)",
                "ExpressionAttributeNames": {"#k": self._table.key},
                **common,
            }
        return {
            "ConditionExpression": "#v = :v",
            "ExpressionAttributeNames": {"#v": VERSION},
            "ExpressionAttributeValues": to_item({":v": number}),
            **common,
        }

    def _done_by(self, write: str) -> Callable[[Mapping[str, Any] | None], bool]:
        return lambda old: old is not None and old.get(WRITE) == {"S": write}

    def _conflict(self) -> Conflict:
        return Conflict(f"{self._table.model.__name__} has changed meanwhile", retry_after=1)

    def _record(self, item: Mapping[str, Any]) -> M:
        values = from_item(item)
        number, born = int(values.pop(VERSION, 0)), int(values.pop(BORN, 0))
        values.pop(WRITE, None)
        record = self._table.model.model_validate(values)
        record._revision.number, record._revision.born = number, born
        return record

    def _name(self, values: Mapping[str, Any]) -> str:
        """What the item with these values is called as an aggregate."""
        keys = [self._table.key, *([self._table.sort] if self._table.sort else [])]
        return "/".join([self._table.name, *(str(values[key]) for key in keys)])

    def _physical(self) -> str:
        return environment.required(variables.table(self._table.name))


def _existing(error: ClientError) -> Mapping[str, Any] | None:
    """The stored item that failed a condition (``ReturnValuesOnConditionCheckFailure``)."""
    answer: Mapping[str, Any] = {**error.response}
    return answer.get("Item")


def _reasons(error: ClientError) -> frozenset[str]:
    """Why a transaction was cancelled, item by item; empty for any other error."""
    answer: Mapping[str, Any] = {**error.response}
    return frozenset(str(reason.get("Code")) for reason in answer.get("CancellationReasons", ()))
