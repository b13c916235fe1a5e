"""A service's bundle: its layer of third-party packages, then the workspace's own packages."""

from __future__ import annotations

import base64
import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from trunkline_devtools.bundles.archive import append_tree, tree
from trunkline_devtools.bundles.bytecode import compile_folder
from trunkline_devtools.bundles.layer import Layer
from trunkline_devtools.bundles.packages import LocalPackage, LocalPackages
from trunkline_devtools.bundles.target import Target
from trunkline_devtools.errors import BundleFailed

__all__ = ["Bundle", "BundleBuilder"]


@dataclass(frozen=True)
class Bundle:
    """A built bundle."""

    service: str
    path: Path
    digest: bytes
    """SHA-256 of its bytes."""

    @property
    def key(self) -> str:
        """Where it lies in the artifact bucket: a name that says its content."""
        return f"bundles/{self.service}/{self.digest.hex()}.zip"

    @property
    def code_hash(self) -> str:
        """The digest as ``source_code_hash`` in Terraform and ``CodeSha256`` in AWS have it."""
        return base64.b64encode(self.digest).decode()


class BundleBuilder:
    """Builds bundles for one target into a cache whose files are named by their inputs."""

    def __init__(self, root: Path, cache: Path, target: Target) -> None:
        self._locks = root / "requirements" / "services"
        self._packages = LocalPackages.scan(root)
        self._cache = cache
        self._target = target

    def build(self, service: str) -> Bundle:
        """The bundle of a service, from the cache when nothing that goes into it has changed.

        Raises:
            BundleFailed: there is no such service, no lock, or a package cannot be installed.
        """
        if service not in self._packages:
            raise BundleFailed(service, "there is no package of that name")
        lock = self._locks / f"{service}.txt"
        if not lock.is_file():
            raise BundleFailed(
                service, f"{lock.name} is missing in requirements/services: ./dev locks"
            )
        packages = self._packages.closure(service)
        settings = self._packages[service].tool.get("bundle", {})
        layer = Layer(self._cache, lock, self._target, settings.get("aws-services", ()))
        inputs = hashlib.sha256(layer.digest.encode())
        for package in packages:
            _add_sources(inputs, package)
        path = self._cache / f"{service}-{inputs.hexdigest()[:32]}.zip"
        remembered = path.with_suffix(".sha256")
        if not (path.is_file() and remembered.is_file()):
            self._write(path, layer.build(service), packages)
            remembered.write_bytes(hashlib.sha256(path.read_bytes()).digest())
        return Bundle(service, path, remembered.read_bytes())

    def _write(self, path: Path, layer: Path, packages: tuple[LocalPackage, ...]) -> None:
        with tempfile.TemporaryDirectory(dir=self._cache, prefix="building-") as work:
            folder = Path(work) / "packages"
            folder.mkdir()
            for package in packages:
                shutil.copytree(
                    package.sources, folder, dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "py.typed"),
                )  # fmt: skip
            if self._target.compiles:
                compile_folder(folder)
            archive = Path(work) / "bundle.zip"
            shutil.copyfile(layer, archive)
            append_tree(archive, tree(folder))
            archive.replace(path)


def _add_sources(inputs: hashlib._Hash, package: LocalPackage) -> None:
    for name, path in tree(package.sources):
        if "__pycache__" in name:
            continue
        inputs.update(f"\0{package.name}\0{name}\0".encode())
        inputs.update(path.read_bytes())
