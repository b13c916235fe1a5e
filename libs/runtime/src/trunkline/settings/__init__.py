"""Settings and secrets."""

from trunkline.settings.secret import Secret
from trunkline.settings.setting import Setting

__all__ = ["Secret", "Setting"]
