"""Before anything starts: do manifests and Terraform say what the declarations say?"""

from __future__ import annotations

import subprocess
from pathlib import Path

from trunkline_devtools.errors import DevtoolsError
from trunkline_devtools.manifests import stale_manifests, write_manifests
from trunkline_devtools.progress import Reporter

__all__ = ["bring_up_to_date"]


def bring_up_to_date(root: Path, remembered: Path, reporter: Reporter) -> None:
    """Write manifests whose declaration has changed, and synthesise Terraform for them.

    Args:
        root: The workspace.
        remembered: A file that remembers what was found fresh.
        reporter: Told what has changed.

    Raises:
        BadManifests: a declaration cannot be loaded.
        DevtoolsError: the synthesis failed.
    """
    stale = stale_manifests(root, remembered)
    if not stale:
        return
    names = ", ".join(manifest.service for manifest in stale)
    reporter.say(f"the declaration of {names} has changed: writing service.json and Terraform anew")
    write_manifests(stale)
    # Synthesis needs Node and half a gigabyte of bindings: a session of its own installs them.
    answer = subprocess.run([str(root / "dev"), "synth"], cwd=root, check=False)
    if answer.returncode != 0:
        remembered.unlink(missing_ok=True)
        raise DevtoolsError("the synthesis failed; put the declaration right and try again")
