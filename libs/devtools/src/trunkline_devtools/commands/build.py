"""``build``: the bundles of services."""

from __future__ import annotations

import argparse
from typing import Any

from trunkline_devtools.bundles import BundleBuilder, Target, this_machine
from trunkline_devtools.errors import InputError
from trunkline_devtools.manifests import load_manifests
from trunkline_devtools.output import print_json
from trunkline_devtools.progress import Reporter
from trunkline_devtools.workspace import Workspace

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("services", metavar="SERVICE", nargs="*", help="only these")
    parser.add_argument(
        "--architecture",
        choices=["host", "arm64", "x86_64"],
        default="host",
        help="host: for functions in processes of this machine; else for Lambda",
    )
    parser.add_argument("--runtime", default="python3.13", help="Lambda's runtime, unless for host")
    parser.add_argument("--json", action="store_true", help="one JSON document")


def run(options: argparse.Namespace) -> None:
    """Build them."""
    workspace = Workspace.find()
    reporter = Reporter.for_person(json=options.json)
    known = [manifest.service for manifest in load_manifests(workspace.services)]
    unknown = [name for name in options.services if name not in known]
    if unknown:
        raise InputError(f"unknown service {unknown[0]!r}; known: {', '.join(known)}")
    host = options.architecture == "host"
    target = this_machine() if host else Target(options.runtime, options.architecture, host=False)
    builder = BundleBuilder(workspace.root, workspace.bundles, target)
    built: list[dict[str, Any]] = []
    for name in options.services or known:
        bundle = builder.build(name)
        size = bundle.path.stat().st_size
        built.append(
            {
                "service": name,
                "path": str(bundle.path),
                "sha256": bundle.digest.hex(),
                "bytes": size,
            }
        )
        reporter.say(f"{name}: {size / 1e6:.1f} MB  {bundle.digest.hex()}  {bundle.path}")
    if options.json:
        print_json(built)
