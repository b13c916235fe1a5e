"""Deployment packages on disk: each is extracted once, whoever and however many use it.

AWS mounts a function's package read-only; here every function with the same package shares one
directory, which nothing but the interpreter's bytecode cache ever writes to.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import stat
import tempfile
import threading
import zipfile
from pathlib import Path

__all__ = ["BundleStore"]

_EXECUTABLE = stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH


class BundleStore:
    """Extracted packages by the SHA-256 of their archive.

    Args:
        directory: Where they are kept; created when missing.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()

    def extracted(self, archive: bytes) -> Path:
        """The directory with the content of ``archive``, a zip file.

        Raises:
            zipfile.BadZipFile: it is no zip file.
        """
        target = self._directory / hashlib.sha256(archive).hexdigest()
        with self._lock:
            if not target.is_dir():
                self._extract(archive, target)
        return target

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
