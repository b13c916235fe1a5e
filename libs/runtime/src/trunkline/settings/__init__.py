"""Settings and secrets."""

from trunkline.settings.secret import Secret
from trunkline.settings.setting import LiveSetting, Setting

__all__ = ["LiveSetting", "Secret", "Setting"]
