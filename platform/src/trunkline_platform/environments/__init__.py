"""The environments there are, one module of settings each."""

from trunkline_platform.environments.load import environment_names, load_environment
from trunkline_platform.settings import EnvironmentSettings

__all__ = ["EnvironmentSettings", "environment_names", "load_environment"]
