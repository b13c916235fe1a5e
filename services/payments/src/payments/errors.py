"""What can go wrong between us and the provider. A declined card is no error but an outcome."""

from __future__ import annotations

from trunkline.errors import CallRefused, Unavailable


class ProviderUnavailable(Unavailable):
    """The provider did not answer, or said that it cannot now. The charge may have happened."""


class ProviderKeyRefused(Unavailable):
    """The provider refuses our key.

    Tried again at once if the key was rotated meanwhile, else later: a key is mended from outside,
    and the order should then go through.
    """


class ProviderRefused(CallRefused):
    """The provider calls our request wrong: trying again cannot help."""
