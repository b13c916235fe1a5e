"""The merchant's API keys: the first comes from a file, the merchant has the others issued."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS issued (
    idempotency_key TEXT PRIMARY KEY,
    key TEXT NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS revoked (key TEXT PRIMARY KEY);
"""


class Keys:
    """Which keys open the merchant's account; several at once, so that one can replace another.

    Args:
        path: of a SQLite file.
        first: gives the key that the account was opened with.
    """

    def __init__(self, path: Path, first: Callable[[], str]) -> None:
        self._path = path
        self._first = first
        with closing(self._connect()) as connection:
            connection.executescript(_SCHEMA)

    def accepted(self) -> tuple[str, ...]:
        """The keys that are good now."""
        with closing(self._connect()) as connection:
            issued = [key for (key,) in connection.execute("SELECT key FROM issued")]
            revoked = {key for (key,) in connection.execute("SELECT key FROM revoked")}
        return tuple(key for key in (self._first(), *issued) if key not in revoked)

    def issue(self, idempotency_key: str) -> tuple[str, bool]:
        """The key that was issued under an idempotency key, and whether this call issued it."""
        fresh = f"key_{secrets.token_urlsafe(24)}"
        with closing(self._connect()) as connection:
            connection.execute(
                "INSERT INTO issued VALUES (?, ?) ON CONFLICT DO NOTHING", (idempotency_key, fresh)
            )
            query = "SELECT key FROM issued WHERE idempotency_key = ?"
            (key,) = connection.execute(query, (idempotency_key,)).fetchone()
        return key, key == fresh

    def revoke_others(self, kept: str) -> int:
        """Revoke every key but one; how many that were."""
        others = [key for key in self.accepted() if key != kept]
        with closing(self._connect()) as connection:
            connection.executemany(
                "INSERT INTO revoked VALUES (?) ON CONFLICT DO NOTHING", [(key,) for key in others]
            )
        return len(others)

    def _connect(self) -> sqlite3.Connection:
        # isolation_level None: every statement is a transaction of its own.
        return sqlite3.connect(self._path, timeout=10.0, isolation_level=None)
