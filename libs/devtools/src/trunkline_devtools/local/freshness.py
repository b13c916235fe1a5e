"""Before anything starts: do manifests and Terraform say what the declarations say?"""

from __future__ import annotations

import subprocess

from trunkline_devtools.errors import DevtoolsError
from trunkline_devtools.manifests import load_manifests, stale_manifests, write_manifests
from trunkline_devtools.progress import Reporter
from trunkline_devtools.workspace import Workspace

__all__ = ["bring_up_to_date"]


def bring_up_to_date(workspace: Workspace, reporter: Reporter) -> None:
    """Write manifests whose declaration has changed, and synthesise Terraform for them.

    Args:
        workspace: The clone.
        reporter: Told what has changed.

    Raises:
        BadManifests: a manifest is broken, a declaration cannot be loaded, or they contradict each
            other; then nothing has been written.
        DevtoolsError: the synthesis failed.
    """
    # A committed manifest is never repaired in silence: whoever broke it shall know.
    load_manifests(workspace.services)
    remembered = workspace.local / "fresh-manifests.json"
    stale = stale_manifests(workspace.root, remembered)
    if not stale:
        return
    names = ", ".join(manifest.service for manifest in stale)
    reporter.say(f"the declaration of {names} has changed: writing service.json and Terraform anew")
    write_manifests(workspace.services, stale)
    # Synthesis needs Node and half a gigabyte of bindings: a session of its own installs them.
    answer = subprocess.run([str(workspace.root / "dev"), "synth"], cwd=workspace.root, check=False)
    if answer.returncode != 0:
        remembered.unlink(missing_ok=True)
        raise DevtoolsError("the synthesis failed; put the declaration right and try again")
