"""Tables in DynamoDB."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from trunkline import clock, environment
from trunkline.aws.clients import client
from trunkline.aws.items import from_item, to_item
from trunkline.contracts.emission import Emittable
from trunkline.contracts.model import Model
from trunkline.errors import AwsError, InvalidTransaction, RecordChanged, Unavailable
from trunkline.events import outbox, payloads
from trunkline.events.outbox import Aggregate, OutboxItem
from trunkline.manifest import variables
from trunkline.tables.conditions import Condition

if TYPE_CHECKING:
    from trunkline.tables.encryption import EncryptedFields
    from trunkline.tables.table import Range, Table

M = TypeVar("M", bound=Model)

VERSION = "_version"
"""The attribute that changes with each write of an item."""
WRITE = "_write"
"""The attribute that tells which write made an item, so that a repeated request knows its own."""
BORN = "_born"
"""The attribute that tells when an item was stored first, in milliseconds since 1970."""

MAX_ACTIONS = 100
"""In one transaction.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
"""
MAX_KEYS = 100
"""In one request for many items.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
"""
_FIRST_REPLACED = 10**9
"""Versions of replaced records are chosen at random from here on; no count gets so far."""
_BATCH_ATTEMPTS = 5
_BATCH_DELAY_SECONDS = 0.05

_CONFLICTS = frozenset({"ConditionalCheckFailed", "TransactionConflict"})


@dataclass(frozen=True)
class Write:
    """One write of one record, ready to be sent alone or with others."""

    action: str
    """``Put`` or ``Delete``."""
    record: Model
    key: tuple[str, ...]
    """The table and the record's key."""
    request: dict[str, Any]
    version: int
    """The record's version afterwards; 0 if it is gone."""
    born: int
    """When the record was stored first, in milliseconds since 1970."""
    aggregate: Aggregate | None
    """What gives the emitted events their order."""
    is_ours: Callable[[Mapping[str, Any] | None], bool]
    """Whether the item that failed the condition is this write's own result."""
    emit: Sequence[Emittable] = ()
    """What is stored together with it."""


class DynamoTable(Generic[M]):
    """The adapter behind one :class:`trunkline.tables.Table`."""

    def __init__(self, table: Table[M]) -> None:
        self._table = table
        self._fields: EncryptedFields | None = None
        if table.encrypted:
            from trunkline.aws.data_keys import KmsDataKeys  # only where it is needed
            from trunkline.tables.encryption import EncryptedFields

            keys = KmsDataKeys(variables.encryption_context(table.service, table.name))
            self._fields = EncryptedFields(table.service, table.name, table.encrypted, keys)

    def get(self, key: str, sort: str | None) -> M | None:
        """The record with that key, read consistently."""
        answer = client("dynamodb").get_item(
            TableName=self._physical(), Key=to_item(self._names(key, sort)), ConsistentRead=True
        )
        item = answer.get("Item")
        return None if item is None else self._record(item)

    def get_many(self, keys: Sequence[tuple[str, str | None]]) -> list[M | None]:
        """The records with those keys, read consistently."""
        found: dict[tuple[Any, ...], M | None] = {}
        wanted = list(dict.fromkeys(keys))
        for start in range(0, len(wanted), MAX_KEYS):
            some = [to_item(self._names(*key)) for key in wanted[start : start + MAX_KEYS]]
            for item in self._batch(some):
                values = from_item({name: item[name] for name in self._keys()})
                found[tuple(values.values())] = self._record(item)
        return [found.get(tuple(self._names(*key).values())) for key in keys]

    def query(self, key: str, wanted: Range, limit: int | None) -> list[M]:
        """The records of one partition."""
        condition, names = "#k = :k", {"#k": self._table.key}
        values = {":k": key}
        if wanted.prefix is not None or wanted.between is not None:
            if self._table.sort is None:
                raise TypeError(f"table {self._table.name!r} has no sort key")
            names["#s"] = self._table.sort
        if wanted.prefix is not None and wanted.between is not None:
            raise TypeError("DynamoDB takes a prefix or a range of sort keys, not both")
        if wanted.prefix is not None:
            condition += " AND begins_with(#s, :s)"
            values[":s"] = wanted.prefix
        elif wanted.between is not None:
            condition += " AND #s BETWEEN :from AND :to"
            values[":from"], values[":to"] = wanted.between
        request: dict[str, Any] = {
            "TableName": self._physical(),
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": to_item(values),
            "ConsistentRead": True,
            "ScanIndexForward": not wanted.descending,
        }
        if wanted.after is not None:
            request["ExclusiveStartKey"] = to_item(self._names(key, wanted.after))
        found: list[M] = []
        while limit is None or len(found) < limit:
            if limit is not None:
                request["Limit"] = limit - len(found)
            page = client("dynamodb").query(**request)
            records = (self._record(item) for item in page.get("Items", ()))
            found.extend(record for record in records if record is not None)
            if "LastEvaluatedKey" not in page:
                break
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
        return found

    def putting(self, record: M, emit: Sequence[Emittable]) -> Write:
        """Store a record if the stored state is the one that it was read from."""
        number = record._revision.number
        born = record._revision.born if number else int(clock.now() * 1000)
        aggregate = Aggregate(self._table.name, self._name(record), born, number + 1)
        return self._put(record, number + 1, born, aggregate, self._unchanged(number), emit)

    def replacing(self, record: M, only_if: Condition | None, emit: Sequence[Emittable]) -> Write:
        """Store a record whatever is stored, or if a condition holds of that."""
        # Nobody who has read the item before may take it for unchanged, so no count will do. For
        # the same reason nobody knows the place of this write among others: it has no aggregate.
        version = _FIRST_REPLACED + uuid.uuid4().int % _FIRST_REPLACED
        condition = {} if only_if is None else self._absent_or(only_if)
        return self._put(record, version, int(clock.now() * 1000), None, condition, emit)

    def deleting(self, record: M, emit: Sequence[Emittable]) -> Write:
        """Delete a record if the stored state is the one that it was read from."""
        names, revision = self._key_of(record), record._revision
        request = {
            "TableName": self._physical(),
            "Key": to_item(names),
            **self._unchanged(revision.number),
        }
        key = (self._table.name, *names.values())
        aggregate = Aggregate(
            self._table.name, self._name(record), revision.born, revision.number + 1
        )
        return Write("Delete", record, key, request, 0, 0, aggregate, lambda old: old is None, emit)

    def _put(
        self,
        record: M,
        version: int,
        born: int,
        aggregate: Aggregate | None,
        condition: dict[str, Any],
        emit: Sequence[Emittable],
    ) -> Write:
        write = uuid.uuid4().hex
        place = tuple(self._key_of(record).values())
        values = record.model_dump(mode="json")
        if self._fields is not None:
            values = self._fields.seal(place, values)
        item = to_item({**values, VERSION: version, BORN: born, WRITE: write})
        request = {"TableName": self._physical(), "Item": item, **condition}
        key = (self._table.name, *place)
        ours = partial(_made_by, write)
        return Write("Put", record, key, request, version, born, aggregate, ours, emit)

    def _unchanged(self, number: int) -> dict[str, Any]:
        """The condition that the stored state is the one that the record was read from."""
        if number == 0:
            return self._absent_or(None)
        return _condition("#v = :v", {"#v": VERSION}, {":v": number})

    def _absent_or(self, condition: Condition | None) -> dict[str, Any]:
        """The condition that there is no stored record, or else that something holds of it."""
        text, names = "attribute_not_exists(#k)", {"#k": self._table.key}
        values: dict[str, Any] = {}
        if self._table.ttl is not None:
            text += " OR #ttl <= :now"  # as good as absent, though DynamoDB has not deleted it yet
            names["#ttl"], values[":now"] = self._table.ttl, int(clock.now())
        if condition is not None:
            expression, more_names, more_values = condition.expression()
            text += f" OR ({expression})"
            names.update(more_names)
            values.update(more_values)
        return _condition(text, names, values)

    def _batch(self, keys: list[dict[str, Any]]) -> list[Mapping[str, Any]]:
        """The items with at most 100 keys; DynamoDB may leave some for another request."""
        physical = self._physical()
        found: list[Mapping[str, Any]] = []
        for attempt in range(_BATCH_ATTEMPTS):
            request = {physical: {"Keys": keys, "ConsistentRead": True}}
            answer = client("dynamodb").batch_get_item(RequestItems=request)
            found.extend(answer["Responses"].get(physical, ()))
            keys = answer.get("UnprocessedKeys", {}).get(physical, {}).get("Keys", [])
            if not keys:
                return found
            time.sleep(random.uniform(0, _BATCH_DELAY_SECONDS * 2**attempt))  # noqa: S311
        raise Unavailable(f"table {self._table.name} is too busy", retry_after=1)

    def _names(self, key: str, sort: str | None) -> dict[str, str]:
        """An item's key by attribute."""
        names = {self._table.key: key}
        if self._table.sort is None:
            if sort is not None:
                raise TypeError(f"table {self._table.name!r} has no sort key")
            return names
        if sort is None:
            raise TypeError(f"table {self._table.name!r} has a sort key: {self._table.sort}")
        return {**names, self._table.sort: sort}

    def _keys(self) -> list[str]:
        return [self._table.key, *([self._table.sort] if self._table.sort else [])]

    def _name(self, record: M) -> str:
        """A record's key as one text."""
        return "/".join(self._key_of(record).values())

    def _key_of(self, record: M) -> dict[str, str]:
        values = record.model_dump(mode="json", include=set(self._keys()))
        return {name: values[name] for name in self._keys()}

    def _record(self, item: Mapping[str, Any]) -> M | None:
        """The record that an item holds; ``None`` if its time has passed."""
        values = from_item(item)
        if self._table.ttl is not None:
            expires = values.get(self._table.ttl)
            if expires is not None and expires <= clock.now():
                return None
        number, born = int(values.pop(VERSION, 0)), int(values.pop(BORN, 0))
        values.pop(WRITE, None)
        if self._fields is not None:
            values = self._fields.open([values[name] for name in self._keys()], values)
        record = self._table.model.model_validate(values)
        record._revision.number, record._revision.born = number, born
        return record

    def _physical(self) -> str:
        return environment.required(variables.table(self._table.name))


def commit(service: str, writes: Sequence[Write], emit: Sequence[Emittable] = ()) -> None:
    """Store records and what they emit: all of it or nothing.

    Args:
        service: the emitting service.
        writes: of at most one write per record.
        emit: what belongs to no record, so that it has no order.

    Raises:
        RecordChanged: one of the records is no longer as it was read.
        InvalidTransaction: DynamoDB takes no such transaction.
    """
    alone = len(writes) == 1 and not writes[0].emit and not emit
    try:
        if alone:
            getattr(client("dynamodb"), f"{writes[0].action.lower()}_item")(**writes[0].request)
        else:
            _transact(service, writes, emit)
    except AwsError as error:
        changed = _changed(writes, error)
        if changed is None:
            raise
        # A request whose answer got lost is sent again and then meets its own write.
        if not alone or not changed.is_ours(_existing(error)):
            raise RecordChanged(changed.record) from error
    for write in writes:
        revision = write.record._revision
        revision.number, revision.born = write.version, write.born


def _transact(service: str, writes: Sequence[Write], emit: Sequence[Emittable]) -> None:
    actions: list[dict[str, Any]] = [{write.action: write.request} for write in writes]
    items = [
        *(i for w in writes for i in outbox.outbox_items(service, w.emit, w.aggregate)),
        *outbox.outbox_items(service, emit),
    ]
    if items:
        physical = environment.required(variables.table(outbox.TABLE))
        puts = ({"TableName": physical, "Item": to_item(_waiting(item))} for item in items)
        actions.extend({"Put": put} for put in puts)
    if len(actions) > MAX_ACTIONS:
        raise InvalidTransaction(
            f"{len(actions)} writes and messages; DynamoDB stores at most {MAX_ACTIONS} together"
        )
    seen: set[tuple[str, ...]] = set()
    for write in writes:
        if write.key in seen:
            raise InvalidTransaction(f"table {write.key[0]!r}: a record is written twice")
        seen.add(write.key)
    client("dynamodb").transact_write_items(
        TransactItems=actions, ClientRequestToken=str(uuid.uuid4())
    )


def _waiting(item: OutboxItem) -> dict[str, Any]:
    """The attributes of an outbox item; what is too long for its channel is in a bucket by then."""
    values = item.values()
    if not payloads.fits(values["envelope"]):
        from trunkline.events.aws import S3Payloads  # hardly any message is so long

        values = payloads.check_in(item, S3Payloads()).values()
    return values


def _changed(writes: Sequence[Write], error: AwsError) -> Write | None:
    """The write whose record was not as it should be; ``None`` if another thing failed."""
    if error.condition_failed or error.code == "TransactionConflictException":
        return writes[0]
    for write, reason in zip(writes, error.fields.get("CancellationReasons", ()), strict=False):
        if reason.get("Code") in _CONFLICTS:
            return write
    return None


def _condition(text: str, names: dict[str, str], values: dict[str, Any]) -> dict[str, Any]:
    return {
        "ConditionExpression": text,
        "ExpressionAttributeNames": names,
        **({"ExpressionAttributeValues": to_item(values)} if values else {}),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _made_by(write: str, item: Mapping[str, Any] | None) -> bool:
    return item is not None and item.get(WRITE) == {"S": write}


def _existing(error: AwsError) -> Mapping[str, Any] | None:
    """The stored item that failed a condition (``ReturnValuesOnConditionCheckFailure``)."""
    return error.fields.get("Item")
