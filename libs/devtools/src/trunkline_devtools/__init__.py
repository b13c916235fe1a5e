"""The commands of a Trunkline workspace and the parts they are made of."""

from trunkline_devtools.errors import DevtoolsError

__all__ = ["DevtoolsError"]
