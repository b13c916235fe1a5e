"""Deployment packages on disk: each is extracted once, whoever and however many use it.

AWS mounts a function's package read-only; here every function with the same package shares one
directory, which nothing but the interpreter's bytecode cache ever writes to.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import stat
import tempfile
import threading
import time
import zipfile
from pathlib import Path

__all__ = ["BundleStore"]

_UNUSED_SECONDS = 7 * 24 * 3600.0
_EXECUTABLE = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH


class BundleStore:
    """Extracted packages by the SHA-256 of their archive.

    Args:
        directory: Where they are kept; created when missing.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._remove_unused()

    def extracted(self, archive: bytes) -> Path:
        """The directory with the content of ``archive``, a zip file.

        Raises:
            zipfile.BadZipFile: it is no zip file.
        """
        target = self._directory / hashlib.sha256(archive).hexdigest()
        with self._lock:
            if target.is_dir():
                os.utime(target)
            else:
                self._extract(archive, target)
        return target

    def _remove_unused(self) -> None:
        """Remove what no process was made from for a while; it is extracted again when needed."""
        limit = time.time() - _UNUSED_SECONDS
        for bundle in self._directory.glob("*"):
            if bundle.stat().st_mtime < limit:
                shutil.rmtree(bundle, ignore_errors=True)

    def _extract(self, archive: bytes, target: Path) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=self._directory))
        try:
            with zipfile.ZipFile(io.BytesIO(archive)) as package:
                for member in package.infolist():
                    path = Path(package.extract(member, partial))
                    if not member.is_dir() and (member.external_attr >> 16) & _EXECUTABLE:
                        path.chmod(path.stat().st_mode | _EXECUTABLE)
            partial.replace(target)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
