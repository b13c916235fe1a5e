"""Writing several records, of several tables, and what they emit: all of it or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from trunkline.contracts.emission import Emittable, wire_names
from trunkline.contracts.model import Model
from trunkline.invocation import require, require_emits
from trunkline.tables.conditions import Condition
from trunkline.tables.table import Table

if TYPE_CHECKING:
    from trunkline.tables.aws import Write

M = TypeVar("M", bound=Model)


class Transaction:
    """Collects writes; the end of its block stores them, unless an error ends it.

    ::

        with service.transaction() as transaction:
            transaction.put(orders, order, emit=[OrderPlaced(...)])
            transaction.delete(baskets, basket)

    Made by :meth:`trunkline.Service.transaction`. Leaving the block raises
    :class:`trunkline.errors.RecordChanged`, which names the record, if one is no longer as it was
    read, and :class:`trunkline.errors.InvalidTransaction` if there are more than 100 writes and
    messages, or two writes of one record.
    """

    def __init__(self, service: str) -> None:
        self._service = service
        self._writes: list[Write] = []
        self._emit: list[Emittable] = []

    def __enter__(self) -> Transaction:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None and (self._writes or self._emit):
            from trunkline.tables.aws import commit  # botocore is imported on first use only

            commit(self._service, self._writes, self._emit)

    def put(self, table: Table[M], record: M, *, emit: Sequence[Emittable] = ()) -> None:
        """Store a record, as :meth:`trunkline.tables.Table.put` does."""
        self._check(table, emit)
        self._writes.append(table.adapter().putting(record, emit))

    def replace(
        self,
        table: Table[M],
        record: M,
        *,
        only_if: Condition | None = None,
        emit: Sequence[Emittable] = (),
    ) -> None:
        """Store a record whatever is there, as :meth:`trunkline.tables.Table.replace` does."""
        self._check(table, emit)
        self._writes.append(table.adapter().replacing(record, only_if, emit))

    def delete(self, table: Table[M], record: M, *, emit: Sequence[Emittable] = ()) -> None:
        """Delete a record, as :meth:`trunkline.tables.Table.delete` does."""
        self._check(table, emit)
        self._writes.append(table.adapter().deleting(record, emit))

    def emit(self, *messages: Emittable) -> None:
        """Emit what is about no single record; such events have no sequence."""
        require_emits(wire_names(messages))
        self._emit.extend(messages)

    def _check(self, table: Table[M], emit: Sequence[Emittable]) -> None:
        require(table.write.need)
        require_emits(wire_names(emit))
