"""Command line: ``python -m trunkline_platform.synth --services DIR --out DIR``."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from trunkline.errors import ManifestError
from trunkline.manifest import Manifest, load_all
from trunkline_platform.environments import environment_names, load_environment
from trunkline_platform.errors import PlatformError
from trunkline_platform.node import put_node_on_path
from trunkline_platform.settings import EnvironmentSettings

__all__ = ["main", "write_roots"]

FILE_NAME = "cdk.tf.json"


def write_roots(
    environments: Sequence[EnvironmentSettings], manifests: Sequence[Manifest], out: Path
) -> list[Path]:
    """Write ``<out>/<environment>/<root>/cdk.tf.json`` for every root of some environments.

    Roots that no longer are lose their file; whatever else lies in a root's folder stays.

    Raises:
        trunkline.manifest.GraphError: the manifests do not fit together.
        PlatformError: the settings or names do not fit the manifests.
    """
    put_node_on_path()
    # After Node is found: importing cdktn starts it.
    from trunkline_platform.app import synthesize

    texts = {settings.name: synthesize(settings, manifests) for settings in environments}
    written = []
    for environment, by_root in texts.items():
        for path in sorted((out / environment).glob(f"*/{FILE_NAME}")):
            if path.parent.name not in by_root:
                _remove(path)
        for root, text in by_root.items():
            path = out / environment / root / FILE_NAME
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            written.append(path)
    return written


def _remove(path: Path) -> None:
    path.unlink()
    shutil.rmtree(path.parent / ".terraform", ignore_errors=True)
    if not any(path.parent.iterdir()):
        path.parent.rmdir()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 2 when the input is wrong."""
    parser = argparse.ArgumentParser(
        prog="trunkline_platform.synth",
        description="Write the Terraform of every root from the services' manifests.",
    )
    parser.add_argument(
        "--services", type=Path, required=True, help="folder with <name>/service.json"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument(
        "--environment",
        action="append",
        metavar="NAME",
        help=f"only this one; may be repeated (default: {', '.join(environment_names())})",
    )
    options = parser.parse_args(arguments)
    try:
        environments = [
            load_environment(name) for name in options.environment or environment_names()
        ]
        written = write_roots(environments, load_all(options.services), options.out)
    except (ManifestError, PlatformError) as error:
        sys.stderr.write(f"synth: {error}\n")
        return 2
    sys.stdout.write(f"{len(written)} roots written to {options.out}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
