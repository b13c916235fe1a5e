"""Finding the AWS provider on this machine, or fetching it once into a cache."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from trunkline_devtools.errors import ProviderMissing
from trunkline_devtools.terraform.binary import Terraform

__all__ = [
    "PLUGIN_DIR",
    "fetch_provider",
    "find_provider",
    "provider_platform",
    "provider_version",
]

PLUGIN_DIR = "TRUNKLINE_TERRAFORM_PLUGIN_DIR"
"""Names a folder with unpacked providers, searched before the usual places."""

_PROVIDER = ("hashicorp", "aws")
_DOWNLOAD_MB = 150
_UNPACKED_MB = 700
_POLL_SECONDS = 0.5


def provider_version(root: Path) -> str:
    """The provider version that a root pins.

    Args:
        root: Folder with a ``cdk.tf.json``.
    """
    required = json.loads((root / "cdk.tf.json").read_text())["terraform"]["required_providers"]
    return str(required["aws"]["version"]).removeprefix("=").strip()


def provider_platform() -> str:
    """This machine as Terraform names it, for example ``linux_amd64``."""
    machine = platform.machine().lower()
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
    return f"{platform.system().lower()}_{architecture}"


def find_provider(
    version: str, flavour: str, environment: Mapping[str, str], fetched: Path
) -> Path | None:
    """The folder to give to ``terraform init -plugin-dir``, or None.

    Args:
        version: The pinned version.
        flavour: ``terraform`` or ``tofu``.
        environment: Variables that may name folders.
        fetched: Where :func:`fetch_provider` puts providers.
    """
    for folder in _folders(environment, fetched):
        for host in _children(folder):
            if ("opentofu" in host.name) != (flavour == "tofu"):
                continue
            package = host.joinpath(*_PROVIDER, version, provider_platform())
            if any(package.glob("terraform-provider-aws*")):
                return folder
    return None


def _folders(environment: Mapping[str, str], fetched: Path) -> Iterable[Path]:
    for variable in (PLUGIN_DIR, "TF_PLUGIN_CACHE_DIR"):
        if value := environment.get(variable):
            yield Path(value)
    yield fetched
    home = Path.home()
    yield home / ".terraform.d" / "plugins"
    yield home / ".terraform.d" / "plugin-cache"
    yield home / ".local" / "share" / "terraform" / "plugins"
    yield Path("/usr/local/share/terraform/plugins")
    yield Path("/usr/share/terraform/plugins")
    yield from _children(Path("/opt"))


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError:
        return []


def fetch_provider(
    terraform: Terraform,
    root: Path,
    environment: Mapping[str, str],
    fetched: Path,
    on_progress: Callable[[str], None],
) -> Path:
    """Fetch the provider that ``root`` pins; the folder to give to ``-plugin-dir``.

    Args:
        terraform: What fetches.
        root: Folder with a ``cdk.tf.json``.
        environment: Variables of the process.
        fetched: The cache.
        on_progress: Told what is about to happen and, about twice a second, how far it is.

    Raises:
        ProviderMissing: it could not be fetched.
    """
    version = provider_version(root)
    on_progress(
        f"fetching the AWS provider {version} once: about {_DOWNLOAD_MB} MB, "
        f"{_UNPACKED_MB} MB unpacked"
    )
    fetched.mkdir(parents=True, exist_ok=True)
    partial = fetched / "partial"
    partial.mkdir(exist_ok=True)
    variables = {
        **environment,
        "TF_PLUGIN_CACHE_DIR": str(fetched),
        "TF_DATA_DIR": str(partial / "data"),
        # Terraform downloads into its temporary folder first: watching it gives the progress.
        "TMPDIR": str(partial),
    }
    command = [*terraform.command, f"-chdir={root}", "init", "-backend=false", "-input=false"]
    process = subprocess.Popen(
        [*command, "-no-color"],
        env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_POLL_SECONDS):
            on_progress(f"AWS provider: {_megabytes(fetched)} MB on disk so far")

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        _, complaint = process.communicate()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    finally:
        ended.set()
        watcher.join()
    if process.returncode != 0:
        raise ProviderMissing(
            f"the AWS provider {version} is not on this machine and could not be fetched "
            f"({_reason(complaint)}); set {PLUGIN_DIR} to a folder that has it"
        )
    return fetched


def _megabytes(folder: Path) -> int:
    total = 0
    for parent, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size  # noqa: PTH118 - hot loop
            except FileNotFoundError:
                continue
    return total // 1_000_000


def _reason(complaint: str) -> str:
    lines = [line.strip(" │╷╵") for line in complaint.splitlines()]
    errors = [line.removeprefix("Error: ") for line in lines if line.startswith("Error: ")]
    return errors[0] if errors else "terraform gave no reason"
