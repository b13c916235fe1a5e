"""Tables as a service's author sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from trunkline.contracts.emission import Emittable, wire_names
from trunkline.contracts.model import Model
from trunkline.errors import DeclarationError
from trunkline.invocation import Uses, require, require_emits
from trunkline.manifest.model import EncryptNeed, Need, TableNeed
from trunkline.tables.conditions import Condition, Field
from trunkline.tables.pages import Page, read_cursor, write_cursor

if TYPE_CHECKING:
    from trunkline.tables.aws import DynamoTable, Write

M = TypeVar("M", bound=Model)

MAX_PAGE = 100
"""Records on one page at most."""


@dataclass(frozen=True)
class TableAccess:
    """The right to read, or to write, one table; named in a handler's ``uses``."""

    need: TableNeed
    encrypted: bool = False
    """Whether the table has encrypted fields."""

    def granted(self) -> Uses:
        """What a handler with this right may use."""
        needs: set[Need] = {self.need}
        if self.encrypted:
            needs.add(EncryptNeed(table=self.need.table, access=self.need.access))
        return Uses(needs=frozenset(needs))


@dataclass(frozen=True)
class Range:
    """Which records of a partition are wanted, and in which order."""

    prefix: str | None = None
    between: tuple[str, str] | None = None
    after: str | None = None
    descending: bool = False


class Table(Generic[M]):
    """A DynamoDB table of one service, whose items are records of one model.

    A record remembers which stored state it was read from. Writing it fails with
    :class:`trunkline.errors.RecordChanged` if the stored state has changed meanwhile; writing a
    record that was never stored fails if its key exists already. A record whose time to live has
    passed is absent, whether or not DynamoDB has deleted it yet.

    Made by :meth:`trunkline.Service.table`.
    """

    def __init__(
        self,
        service: str,
        name: str,
        model: type[M],
        *,
        key: str,
        sort: str | None = None,
        ttl: str | None = None,
        encrypted: Sequence[str] = (),
    ) -> None:
        for field in (key, sort, ttl, *encrypted):
            if field is not None and field not in model.model_fields:
                raise DeclarationError(f"table {name!r}: {model.__name__} has no field {field!r}")
        if ttl is not None and model.model_fields[ttl].annotation not in (int, int | None):
            raise DeclarationError(
                f"table {name!r}: DynamoDB deletes by whole seconds since 1970, "
                f"so field {ttl!r} must be int or int | None"
            )
        for field in encrypted:
            if field in (key, sort, ttl):
                raise DeclarationError(
                    f"table {name!r}: DynamoDB needs to read field {field!r}; do not encrypt it"
                )
        self.service = service
        self.name = name
        self.model = model
        self.key = key
        self.sort = sort
        self.ttl = ttl
        self.encrypted = tuple(encrypted)
        self.read = TableAccess(TableNeed(table=name, access="read"), bool(encrypted))
        """The right to get and query."""
        self.write = TableAccess(TableNeed(table=name, access="write"), bool(encrypted))
        """The right to put, replace and delete."""
        self._backend: DynamoTable[M] | None = None

    def get(self, key: str, sort: str | None = None) -> M | None:
        """The record with that key as it is now (a consistent read), or ``None``.

        Args:
            key: the partition key.
            sort: the sort key; needed exactly if the table has one.
        """
        require(self.read.need)
        return self.adapter().get(key, sort)

    def get_many(self, keys: Sequence[str | tuple[str, str]]) -> list[M | None]:
        """What :meth:`get` gives for each of these keys, in their order, in few requests.

        Args:
            keys: partition keys, or pairs of partition and sort key if the table has one.

        Raises:
            Unavailable: DynamoDB is too busy to give all of them.
        """
        require(self.read.need)
        return self.adapter().get_many(
            [(key, None) if isinstance(key, str) else key for key in keys]
        )

    def query(
        self,
        key: str,
        *,
        prefix: str | None = None,
        between: tuple[str, str] | None = None,
        limit: int | None = None,
        descending: bool = False,
    ) -> list[M]:
        """The records of one partition, in the order of their sort key.

        Args:
            key: the partition key.
            prefix: only records whose sort key begins with it.
            between: only records whose sort key is one of these two or between them.
            limit: at most so many; all by default.
            descending: the greatest sort key first.
        """
        require(self.read.need)
        return self.adapter().query(key, Range(prefix, between, None, descending), limit)

    def page(
        self,
        key: str,
        *,
        cursor: str | None = None,
        limit: int = 20,
        prefix: str | None = None,
        descending: bool = False,
    ) -> Page[M]:
        """Some records of one partition, and a cursor for the next ones.

        Cursors can be given to clients of an API as they are.

        Args:
            key: the partition key; never a client's to choose.
            cursor: of the page before; ``None`` for the first one.
            limit: records on the page, from 1 to 100.
            prefix: only records whose sort key begins with it.
            descending: the greatest sort key first.

        Raises:
            InvalidRequest: the cursor is none of this list.
        """
        require(self.read.need)
        if self.sort is None:
            raise TypeError(f"table {self.name!r} has no sort key, so its partitions have no pages")
        if not 1 <= limit <= MAX_PAGE:
            raise ValueError(f"a page has 1 to {MAX_PAGE} records, not {limit}")
        listing = (self.service, self.name, key, prefix, descending)
        after = None if cursor is None else read_cursor(listing, cursor)
        # One more than wanted tells whether there is a next page.
        found = self.adapter().query(key, Range(prefix, None, after, descending), limit + 1)
        records = tuple(found[:limit])
        last: str | None = getattr(records[-1], self.sort) if len(found) > limit else None
        return Page(records, None if last is None else write_cursor(listing, last))

    def put(self, record: M, *, emit: Sequence[Emittable] = ()) -> M:
        """Store a record and, in the same transaction, what it emits.

        Returns:
            the record, which now knows that it is stored.

        Raises:
            RecordChanged: the stored state is another than the one the record was read from.
        """
        require(self.write.need)
        require_emits(wire_names(emit))
        self._commit(self.adapter().putting(record, emit))
        return record

    def replace(
        self, record: M, *, only_if: Condition | None = None, emit: Sequence[Emittable] = ()
    ) -> M:
        """Store a record in place of whatever is stored under its key, without reading it first.

        Args:
            record: what is stored from now on.
            only_if: must hold of the stored record, if there is one:
                ``only_if=table.field("sequence") < record.sequence``.
            emit: stored in the same transaction. Nobody knows which of two replacements was the
                later one, so these events have no sequence.

        Returns:
            the record, which now knows that it is stored.

        Raises:
            RecordChanged: the condition does not hold.
        """
        require(self.write.need)
        require_emits(wire_names(emit))
        self._commit(self.adapter().replacing(record, only_if, emit))
        return record

    def delete(self, record: M, *, emit: Sequence[Emittable] = ()) -> None:
        """Delete a record and, in the same transaction, store what that emits.

        Raises:
            RecordChanged: the stored state is another than the one the record was read from.
        """
        require(self.write.need)
        require_emits(wire_names(emit))
        self._commit(self.adapter().deleting(record, emit))

    def field(self, name: str) -> Field[Any]:
        """A field of the stored record, to compare in a condition.

        Raises:
            DeclarationError: the model has no such field, or DynamoDB cannot read it.
        """
        if name in self.encrypted:
            raise DeclarationError(f"table {self.name!r}: field {name!r} is stored encrypted")
        found = self.model.model_fields.get(name)
        if found is None:
            allowed = ", ".join(self.model.model_fields)
            raise DeclarationError(
                f"table {self.name!r}: {self.model.__name__} has no field {name!r}; "
                f"there are: {allowed}"
            )
        return Field(name, found.rebuild_annotation())

    def adapter(self) -> DynamoTable[M]:
        """What stands between this table and DynamoDB."""
        if self._backend is None:
            from trunkline.tables.aws import DynamoTable  # botocore is imported on first use only

            self._backend = DynamoTable(self)
        return self._backend

    def _commit(self, write: Write) -> None:
        from trunkline.tables.aws import commit

        commit(self.service, [write])
