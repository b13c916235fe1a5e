"""What the tools remember of the platform on this machine between two commands."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path

from trunkline_devtools.files import read_json, write_json

__all__ = ["Record", "RecordFile"]


@dataclass
class Record:
    """The content of ``platform.json``."""

    port: int
    """The local cloud's port; addresses of queues and APIs hold it, so it stays."""
    generation: str = ""
    """The mark that the cloud bears while it remembers what Terraform made."""
    roots: dict[str, str] = field(default_factory=dict)
    """For each applied root the digest of what went into it."""
    ports: dict[str, int] = field(default_factory=dict)
    """Ports of the processes beside the cloud, by ``<service>/<process>``."""


class RecordFile:
    """``platform.json``; safe to use from threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def read(self) -> Record | None:
        """The record, or None when there is none that can be read."""
        content = read_json(self._path)
        try:
            return Record(**content) if content is not None else None
        except TypeError:
            return None

    def write(self, record: Record) -> None:
        """Remember everything."""
        with self._lock:
            write_json(self._path, asdict(record))

    def root_applied(self, record: Record, root: str, digest: str | None) -> None:
        """Remember that a root is as ``digest`` says, or with None that it is being changed."""
        with self._lock:
            if digest is None:
                record.roots.pop(root, None)
            else:
                record.roots[root] = digest
            write_json(self._path, asdict(record))
