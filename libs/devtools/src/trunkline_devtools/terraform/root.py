"""Running Terraform on one root."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from trunkline_devtools.errors import TerraformFailed
from trunkline_devtools.terraform.binary import Terraform
from trunkline_devtools.terraform.events import ChangeSummary, Diagnostic, Event, parse_event
from trunkline_devtools.terraform.processes import run_lines

__all__ = ["RootRunner"]

_DEFAULT_PARALLELISM = 10


def _ignore(_: Event) -> None:
    """Drops an event."""


@dataclass(frozen=True)
class RootRunner:
    """One root with everything that running Terraform on it needs."""

    name: str
    terraform: Terraform
    directory: Path
    """Folder with the root's ``cdk.tf.json``."""
    data_dir: Path
    """The root's own TF_DATA_DIR, so that roots can run side by side."""
    environment: Mapping[str, str]
    plugin_dir: Path | None = None
    """Folder with unpacked providers; without it Terraform asks the registry."""
    variables_file: Path | None = None
    parallelism: int = _DEFAULT_PARALLELISM

    def init(self) -> None:
        """Make the root ready to run; costs nothing when it is.

        Raises:
            TerraformFailed: it could not.
        """
        stamp = self.data_dir / "trunkline-init.json"
        wanted = self._init_inputs()
        if stamp.is_file() and stamp.read_text() == wanted and self._lock_file.is_file():
            return
        options = ["-reconfigure", "-input=false", "-no-color"]
        if self.plugin_dir is not None:
            options.append(f"-plugin-dir={self.plugin_dir}")
        answer = subprocess.run(
            self._command("init", *options),
            env=self._variables(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        if answer.returncode != 0:
            text = " ".join(line.strip(" │╷╵") for line in answer.stderr.splitlines())
            raise TerraformFailed(self.name, "init", [" ".join(text.split())])
        stamp.write_text(wanted)

    def apply(self, on_event: Callable[[Event], None] = _ignore) -> ChangeSummary:
        """Apply the root without asking.

        Raises:
            TerraformFailed: with Terraform's own errors.
        """
        return self._change("apply", ("-auto-approve",), on_event)

    def destroy(self, on_event: Callable[[Event], None] = _ignore) -> ChangeSummary:
        """Destroy everything in the root's state without asking.

        Raises:
            TerraformFailed: with Terraform's own errors.
        """
        return self._change("apply", ("-destroy", "-auto-approve"), on_event)

    def plan(self, on_event: Callable[[Event], None] = _ignore) -> ChangeSummary:
        """What an apply would change.

        Raises:
            TerraformFailed: with Terraform's own errors.
        """
        return self._change("plan", ("-lock=false",), on_event)

    def resources(self) -> tuple[str, ...]:
        """Addresses of everything in the root's state."""
        answer = subprocess.run(
            self._command("state", "list"),
            env=self._variables(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        if answer.returncode != 0:
            if "No state file was found" in answer.stderr:
                return ()
            raise TerraformFailed(self.name, "state list", [" ".join(answer.stderr.split())])
        return tuple(line for line in answer.stdout.splitlines() if not line.startswith("data."))

    def _change(
        self, command: str, options: tuple[str, ...], on_event: Callable[[Event], None]
    ) -> ChangeSummary:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        arguments = [*options, "-json", "-input=false", f"-parallelism={self.parallelism}"]
        if self.variables_file is not None:
            arguments.append(f"-var-file={self.variables_file}")
        operation = "destroy" if "-destroy" in options else command
        errors: list[str] = []
        summary = ChangeSummary(operation, 0, 0, 0)

        def on_line(line: str) -> None:
            nonlocal summary
            event = parse_event(line)
            if event is None:
                return
            if isinstance(event, Diagnostic) and event.severity == "error":
                errors.append(event.text)
            if isinstance(event, ChangeSummary):
                summary = event
            on_event(event)

        ended = run_lines(self._command(command, *arguments), self._variables(), on_line)
        if ended.exit_code != 0:
            complaint = " ".join(ended.stderr.split())
            raise TerraformFailed(self.name, operation, errors or [complaint])
        return summary

    def _command(self, command: str, *arguments: str) -> list[str]:
        words = command.split()
        return [*self.terraform.command, f"-chdir={self.directory}", *words, *arguments]

    def _variables(self) -> dict[str, str]:
        return {**self.environment, "TF_DATA_DIR": str(self.data_dir)}

    @property
    def _lock_file(self) -> Path:
        return self.directory / ".terraform.lock.hcl"

    def _init_inputs(self) -> str:
        settings = json.loads((self.directory / "cdk.tf.json").read_text()).get("terraform", {})
        return json.dumps(
            {
                "terraform": settings,
                "command": self.terraform.command,
                "version": self.terraform.version,
                "plugin_dir": str(self.plugin_dir),
            },
            sort_keys=True,
        )
