"""Bundles: what goes in, and that equal inputs give equal bytes."""

from __future__ import annotations

import base64
import hashlib
import os
import zipfile
from pathlib import Path

import pytest

from trunkline_devtools.bundles import Bundle, BundleBuilder, LocalPackages, Target, this_machine
from trunkline_devtools.bundles.archive import append_tree, tree
from trunkline_devtools.bundles.target import CLOUD
from trunkline_devtools.errors import BundleFailed


def _package(root: Path, folder: str, name: str, requires: str = "") -> None:
    module = root / folder / "src" / name.replace("-", "_")
    module.mkdir(parents=True)
    (module / "__init__.py").write_text(f'"""{name}."""\n')
    (root / folder / "pyproject.toml").write_text(
        f'[project]\nname = "{name}"\ndependencies = [{requires}]\n'
        '[project.optional-dependencies]\ntesting = ["moto>=5"]\n'
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with a service, its contract and the runtime."""
    root = tmp_path / "workspace"
    _package(root, "libs/runtime", "trunkline", '"pydantic>=2"')
    _package(root, "services/shop/contract", "shop-contract", '"trunkline"')
    _package(root, "services/shop", "shop", '"shop_contract>=0.1", "urllib3>=2"')
    locks = root / "requirements" / "services"
    locks.mkdir(parents=True)
    (locks / "shop.txt").write_text("")
    return root


def test_a_package_brings_its_local_dependencies(workspace: Path) -> None:
    """The closure follows local requirements however their names are spelt."""
    packages = LocalPackages.scan(workspace)

    names = [package.name for package in packages.closure("shop")]

    assert names == ["shop", "shop-contract", "trunkline"]


def test_local_packages_are_not_locked(workspace: Path) -> None:
    """Only foreign requirements remain, and an optional part counts as its own requirements."""
    packages = LocalPackages.scan(workspace)

    foreign = packages.foreign(["urllib3>=2", "trunkline[testing]", "shop-contract", "urllib3>=2"])

    assert foreign == ("moto>=5", "urllib3>=2")


def test_a_bundle_holds_the_sources_of_the_closure(workspace: Path) -> None:
    """Service, contract and runtime lie at the bundle's top, with their bytecode."""
    bundle = BundleBuilder(workspace, workspace / "cache", this_machine()).build("shop")

    with zipfile.ZipFile(bundle.path) as archive:
        names = archive.namelist()
    assert {"shop/__init__.py", "shop_contract/__init__.py", "trunkline/__init__.py"} <= set(names)
    assert any(name.startswith("shop/__pycache__/__init__.") for name in names)


def test_equal_inputs_give_equal_bytes(workspace: Path, tmp_path: Path) -> None:
    """Building again elsewhere, with files of other ages, gives the same digest."""
    first = BundleBuilder(workspace, tmp_path / "one", this_machine()).build("shop")
    moved = workspace.rename(tmp_path / "another-place")
    for path in moved.rglob("*.py"):
        os.utime(path, (1, 1))
    second = BundleBuilder(moved, tmp_path / "two", this_machine()).build("shop")

    assert first.digest == second.digest
    assert first.key == second.key


def test_a_changed_source_gives_another_bundle(workspace: Path) -> None:
    """A change in a package that the service only depends on is noticed."""
    builder = BundleBuilder(workspace, workspace / "cache", this_machine())
    before = builder.build("shop")
    (workspace / "libs/runtime/src/trunkline/__init__.py").write_text('"""Changed."""\n')

    assert builder.build("shop").digest != before.digest


def test_an_unchanged_bundle_comes_from_the_cache(workspace: Path) -> None:
    """The second build gives the same file and writes nothing."""
    builder = BundleBuilder(workspace, workspace / "cache", this_machine())
    path = builder.build("shop").path
    before = path.stat().st_mtime_ns

    assert builder.build("shop").path == path
    assert path.stat().st_mtime_ns == before


def test_a_bundle_for_another_python_has_no_bytecode(workspace: Path) -> None:
    """Bytecode of this interpreter would be of no use to another one."""
    target = Target("python3.99", "arm64", host=False)
    bundle = BundleBuilder(workspace, workspace / "cache", target).build("shop")

    with zipfile.ZipFile(bundle.path) as archive:
        assert not any("__pycache__" in name for name in archive.namelist())


def test_a_missing_lock_is_one_clear_line(workspace: Path) -> None:
    """The error says which file is missing and how to make it."""
    (workspace / "requirements/services/shop.txt").unlink()

    with pytest.raises(BundleFailed, match=r"shop\.txt is missing .*\./dev locks"):
        BundleBuilder(workspace, workspace / "cache", CLOUD).build("shop")


def test_a_bundle_is_named_by_its_content() -> None:
    """Key and code hash both come from the digest, each in the form that AWS wants."""
    digest = hashlib.sha256(b"content").digest()
    bundle = Bundle("orders", Path("orders.zip"), digest)

    assert bundle.key == f"bundles/orders/{digest.hex()}.zip"
    assert base64.b64decode(bundle.code_hash) == digest


def test_archives_are_sorted_and_dateless(tmp_path: Path) -> None:
    """Entries come in the order of their names, all at the same moment and readable."""
    folder = tmp_path / "folder"
    (folder / "b").mkdir(parents=True)
    (folder / "b" / "two.py").write_text("2")
    (folder / "a.py").write_text("1")
    archive = tmp_path / "archive.zip"

    append_tree(archive, tree(folder))

    with zipfile.ZipFile(archive) as content:
        entries = content.infolist()
    assert [entry.filename for entry in entries] == ["a.py", "b/two.py"]
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.external_attr >> 16 for entry in entries} == {0o644}
