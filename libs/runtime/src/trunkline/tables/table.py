"""Tables as a service's author sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from trunkline.contracts.emission import Emittable, wire_names
from trunkline.contracts.model import Model
from trunkline.errors import DeclarationError
from trunkline.invocation import Uses, require, require_emits
from trunkline.manifest.model import TableNeed

if TYPE_CHECKING:
    from trunkline.tables.aws import DynamoTable

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class TableAccess:
    """The right to read, or to write, one table; named in a handler's ``uses``."""

    need: TableNeed

    def granted(self) -> Uses:
        """What a handler with this right may use."""
        return Uses(needs=frozenset({self.need}))


class Table(Generic[M]):
    """A DynamoDB table of one service, whose items are records of one model.

    A record remembers which stored state it was read from. Writing it fails with
    :class:`trunkline.errors.Conflict` if the stored state has changed meanwhile; writing a record
    that was never stored fails if its key exists already.

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
    ) -> None:
        for field in (key, sort, ttl):
            if field is not None and field not in model.model_fields:
                raise DeclarationError(f"table {name!r}: {model.__name__} has no field {field!r}")
        self.service = service
        self.name = name
        self.model = model
        self.key = key
        self.sort = sort
        self.ttl = ttl
        self.read = TableAccess(TableNeed(table=name, access="read"))
        """The right to get and query."""
        self.write = TableAccess(TableNeed(table=name, access="write"))
        """The right to put and delete."""
        self._backend: DynamoTable[M] | None = None

    def get(self, key: str, sort: str | None = None) -> M | None:
        """The record with that key as it is now (a consistent read), or ``None``.

        Args:
            key: the partition key.
            sort: the sort key; needed exactly if the table has one.
        """
        require(self.read.need)
        return self._adapter().get(key, sort)

    def query(
        self,
        key: str,
        *,
        prefix: str | None = None,
        limit: int | None = None,
        descending: bool = False,
    ) -> list[M]:
        """The records of one partition, in the order of their sort key.

        Args:
            key: the partition key.
            prefix: only records whose sort key begins with it.
            limit: at most so many; all by default.
            descending: the greatest sort key first.
        """
        require(self.read.need)
        return self._adapter().query(key, prefix=prefix, limit=limit, descending=descending)

    def put(self, record: M, *, emit: Sequence[Emittable] = ()) -> M:
        """Store a record and, in the same transaction, what it emits.

        Returns:
            the record, which now knows that it is stored.

        Raises:
            Conflict: the stored state is another than the one the record was read from.
        """
        require(self.write.need)
        require_emits(wire_names(emit))
        return self._adapter().put(record, emit)

    def delete(self, record: M, *, emit: Sequence[Emittable] = ()) -> None:
        """Delete a record and, in the same transaction, store what that emits.

        Raises:
            Conflict: the stored state is another than the one the record was read from.
        """
        require(self.write.need)
        require_emits(wire_names(emit))
        self._adapter().delete(record, emit)

    def _adapter(self) -> DynamoTable[M]:
        if self._backend is None:
            from trunkline.tables.aws import DynamoTable  # boto3 is imported on first use only

            self._backend = DynamoTable(self)
        return self._backend
