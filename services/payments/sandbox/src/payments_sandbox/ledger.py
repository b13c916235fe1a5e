"""The ledger: one row per charge, and the database decides who was first."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, astuple, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

DECLINED_SOURCE = "tok_declined"
"""The card token that is always declined."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS charges (
    id TEXT PRIMARY KEY,
    idempotency_key TEXT NOT NULL UNIQUE,
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL,
    source TEXT NOT NULL,
    reference TEXT NOT NULL,
    status TEXT NOT NULL,
    created TEXT NOT NULL,
    requests INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS charges_by_reference ON charges (reference);
"""


class KeyReused(ValueError):
    """An idempotency key came again with another body."""

    def __init__(self, idempotency_key: str) -> None:
        super().__init__(f"the idempotency key {idempotency_key!r} was used for another charge")
        self.idempotency_key = idempotency_key


@dataclass(frozen=True, slots=True)
class ChargeRequest:
    """What a merchant asks for."""

    amount: int
    """In minor units of the currency."""
    currency: str
    """ISO 4217."""
    source: str
    """The card's token."""
    reference: str
    """The merchant's own name for it, an order's id."""


@dataclass(frozen=True, slots=True)
class Charge:
    """A line of the ledger."""

    id: str
    idempotency_key: str
    amount: int
    currency: str
    source: str
    reference: str
    status: str
    """``captured`` or ``declined``."""
    created: str
    """ISO 8601, UTC."""
    requests: int
    """How often the merchant asked; only the first time moved money."""

    @property
    def request(self) -> ChargeRequest:
        """What was asked for the first time."""
        return ChargeRequest(self.amount, self.currency, self.source, self.reference)


_COLUMNS = ", ".join(field.name for field in fields(Charge))
_MARKS = ", ".join("?" for _ in fields(Charge))


class Ledger:
    """Charges in a SQLite file.

    Safe for many threads and processes: every call has a connection of its own.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with closing(self._connect()) as connection:
            # Readers then never wait for the writer: https://www.sqlite.org/wal.html
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_SCHEMA)

    def charge(self, idempotency_key: str, request: ChargeRequest) -> tuple[Charge, bool]:
        """The charge of that key, and whether this call made it.

        Raises:
            KeyReused: The key belongs to a charge with another body.
        """
        declined = request.source == DECLINED_SOURCE
        fresh = Charge(
            id=f"ch_{uuid.uuid4().hex}",
            idempotency_key=idempotency_key,
            **asdict(request),
            status="declined" if declined else "captured",
            created=datetime.now(UTC).isoformat(timespec="milliseconds"),
            requests=0,
        )
        with self._transaction() as connection:
            # The unique key settles a race: one insert wins, the others read what it wrote.
            connection.execute(
                f"INSERT INTO charges ({_COLUMNS}) VALUES ({_MARKS}) "  # noqa: S608 - our column names
                "ON CONFLICT (idempotency_key) DO NOTHING",
                astuple(fresh),
            )
            row = connection.execute(
                "UPDATE charges SET requests = requests + 1 WHERE idempotency_key = ? "  # noqa: S608
                f"RETURNING {_COLUMNS}",
                (idempotency_key,),
            ).fetchone()
            charge = Charge(*row)
            if charge.request != request:
                raise KeyReused(idempotency_key)
        return charge, charge.id == fresh.id

    def charges(self, reference: str | None = None) -> tuple[Charge, ...]:
        """All charges, or those of one reference; the oldest first."""
        query = (
            f"SELECT {_COLUMNS} FROM charges "  # noqa: S608 - our column names
            "WHERE ?1 IS NULL OR reference = ?1 ORDER BY created, id"
        )
        with closing(self._connect()) as connection:
            return tuple(Charge(*row) for row in connection.execute(query, (reference,)))

    def _connect(self) -> sqlite3.Connection:
        # isolation_level None: transactions are begun where this module says so.
        return sqlite3.connect(self._path, timeout=10.0, isolation_level=None)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with closing(self._connect()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
