"""The third-party packages of a bundle: from a hashed lock, thinned out, zipped, cached."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from trunkline_devtools.bundles.archive import append_tree, tree
from trunkline_devtools.bundles.bytecode import compile_folder
from trunkline_devtools.bundles.target import Target
from trunkline_devtools.errors import BundleFailed
from trunkline_devtools.uv import run_uv

__all__ = ["DEFAULT_AWS_SERVICES", "Layer"]

_FORMAT = "2"
"""Raised when the same inputs would give other bytes."""

DEFAULT_AWS_SERVICES = frozenset(
    {
        "dynamodb", "events", "kms", "lambda", "s3", "secretsmanager", "ses", "sesv2", "sns", "sqs",
        "ssm", "sso-oidc", "sts",
    }
)  # fmt: skip
"""The AWS services whose descriptions stay in botocore. All of them are 25 MB, most of a bundle;
a service that calls others names them in ``[tool.trunkline.bundle] aws-services``."""

_NEEDLESS = ("*.pyi", "*.pyx", "*.pxd", "*.c", "*.h")
_NEEDLESS_METADATA = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "WHEEL"}


class Layer:
    """The zipped third-party packages of one lock file, shared by all services with equal locks."""

    def __init__(
        self, cache: Path, lock: Path, target: Target, aws_services: Iterable[str]
    ) -> None:
        self._cache = cache
        self._lock = lock
        self._target = target
        self._aws_services = DEFAULT_AWS_SERVICES | set(aws_services)
        pins = [line for line in lock.read_text().splitlines() if not line.startswith("#")]
        inputs = [_FORMAT, target.key, ",".join(sorted(self._aws_services)), *pins]
        self.digest = hashlib.sha256("\n".join(inputs).encode()).hexdigest()
        """Equal digests mean equal bytes."""

    @property
    def archive(self) -> Path:
        """The zip file, which exists once :meth:`build` has run."""
        return self._cache / f"layer-{self.digest[:32]}.zip"

    def build(self, service: str) -> Path:
        """Build the layer unless it is in the cache.

        Args:
            service: Whose bundle is being built, for the error.

        Raises:
            BundleFailed: uv could not install the lock.
        """
        if self.archive.is_file():
            return self.archive
        self._cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._cache, prefix="building-") as work:
            folder = Path(work) / "packages"
            folder.mkdir()
            self._install(folder, service)
            self._thin_out(folder)
            if self._target.compiles:
                compile_folder(folder)
            archive = Path(work) / "layer.zip"
            append_tree(archive, tree(folder))
            archive.replace(self.archive)
        return self.archive

    def _install(self, folder: Path, service: str) -> None:
        answer = run_uv(
            "pip", "install", "--quiet", "--target", str(folder), "--no-deps",
            "--require-hashes", "--only-binary", ":all:", *self._target.uv_options,
            "--requirement", str(self._lock),
        )  # fmt: skip
        if answer.returncode != 0:
            raise BundleFailed(service, " ".join(answer.stderr.split()))

    def _thin_out(self, folder: Path) -> None:
        shutil.rmtree(folder / "bin", ignore_errors=True)
        (folder / ".lock").unlink(missing_ok=True)
        for cached in list(folder.rglob("__pycache__")):
            shutil.rmtree(cached)
        for pattern in _NEEDLESS:
            for path in folder.rglob(pattern):
                path.unlink()
        for metadata in folder.glob("*.dist-info"):
            for name in _NEEDLESS_METADATA:
                (metadata / name).unlink(missing_ok=True)
        self._thin_out_botocore(folder / "botocore" / "data")
        shutil.rmtree(folder / "boto3" / "examples", ignore_errors=True)

    def _thin_out_botocore(self, data: Path) -> None:
        if not data.is_dir():
            return
        for path in data.iterdir():
            if path.is_dir() and path.name not in self._aws_services:
                shutil.rmtree(path)
