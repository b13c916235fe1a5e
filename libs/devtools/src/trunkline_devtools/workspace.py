"""Where everything lies in a clone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trunkline_devtools.errors import NoWorkspace

__all__ = ["LOCAL", "Workspace"]

LOCAL = "local"
"""The environment that runs on this machine."""


@dataclass(frozen=True)
class Workspace:
    """One clone. Paths are absolute; nothing is created by asking."""

    root: Path

    @classmethod
    def find(cls, start: Path | None = None) -> Workspace:
        """The workspace around ``start`` (the current directory when not given).

        Raises:
            NoWorkspace: there is none.
        """
        here = (start or Path.cwd()).resolve()
        for candidate in (here, *here.parents):
            if (candidate / "noxfile.py").is_file() and (candidate / "libs").is_dir():
                return cls(candidate)
        raise NoWorkspace(here)

    @property
    def services(self) -> Path:
        """The folder with one folder per service."""
        return self.root / "services"

    @property
    def requirements(self) -> Path:
        """The lock files."""
        return self.root / "requirements"

    def terraform(self, environment: str) -> Path:
        """The committed roots of an environment, one folder each."""
        return self.root / "terraform" / environment

    @property
    def private(self) -> Path:
        """Everything the tools make and git ignores."""
        return self.root / ".trunkline"

    @property
    def bundles(self) -> Path:
        """Built bundles and the layers they share."""
        return self.private / "bundles"

    @property
    def providers(self) -> Path:
        """Terraform providers that the tools fetched."""
        return self.private / "providers"

    def environment(self, environment: str) -> Path:
        """What the tools keep about one environment."""
        return self.private / environment

    @property
    def local(self) -> Path:
        """What the tools keep about the platform on this machine."""
        return self.environment(LOCAL)

    @property
    def cloud(self) -> Path:
        """State of the local cloud."""
        return self.local / "cloud"

    @property
    def processes(self) -> Path:
        """Data of the processes beside the local cloud."""
        return self.local / "processes"

    @property
    def platform_file(self) -> Path:
        """What was applied last on this machine."""
        return self.local / "platform.json"

    @property
    def customer_file(self) -> Path:
        """The test customer's user name and password."""
        return self.local / "customer.json"

    def terraform_work(self, environment: str) -> Path:
        """Variables and data directories of Terraform; for ``local`` also the state files."""
        return self.environment(environment) / "terraform"
