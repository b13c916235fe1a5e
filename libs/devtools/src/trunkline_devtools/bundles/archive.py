"""Zip files with the same bytes whenever and wherever they are made."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["append_tree", "tree"]

_MOMENT = (1980, 1, 1, 0, 0, 0)
"""The earliest moment that a zip file can express."""
_FILE_MODE = 0o644
_UNIX = 3
_LEVEL = 6


def tree(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every file below ``folder`` with its name inside an archive, sorted by that name."""
    files = (path for path in folder.rglob("*") if path.is_file())
    yield from sorted((path.relative_to(folder).as_posix(), path) for path in files)


def append_tree(archive: Path, files: Iterable[tuple[str, Path]]) -> None:
    """Add files at the end of an archive, which is made when it does not exist.

    Owners, moments and modes are always the same (Lambda needs only that files are readable), so
    equal files in equal order give equal bytes.
    """
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as target:
        for name, path in files:
            entry = zipfile.ZipInfo(name, _MOMENT)
            entry.create_system = _UNIX
            entry.external_attr = _FILE_MODE << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, path.read_bytes())
