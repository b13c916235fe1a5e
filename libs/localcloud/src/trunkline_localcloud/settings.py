"""What one local cloud is started with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["CloudSettings"]


@dataclass(frozen=True, kw_only=True)
class CloudSettings:
    """What one local cloud is started with."""

    state_dir: Path
    """Directory of everything that outlives the process; created when missing."""

    port: int = 4566
    """TCP port on the loopback interface; 0 chooses a free one, the last start's if it can."""

    region: str = "eu-central-1"
    """Region of calls that name none, and of what the cloud makes itself."""

    account_id: str = "000000000000"
    """The one account."""

    alarm_minute_seconds: float = 5.0
    """Seconds that a minute of an alarm's period, or of a rule's rate, lasts; 60 as in AWS."""

    @property
    def facts_file(self) -> Path:
        """Running facts and the administrator's keys; mode 0600."""
        return self.state_dir / "cloud.json"

    @property
    def log_file(self) -> Path:
        """Log of a cloud that was started as a background process."""
        return self.state_dir / "cloud.log"

    @property
    def functions_dir(self) -> Path:
        """Extracted bundles of functions, one directory per digest."""
        return self.state_dir / "functions"
