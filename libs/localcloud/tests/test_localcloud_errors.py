"""The hierarchy of errors."""

from __future__ import annotations

import trunkline_localcloud
from trunkline_localcloud import errors


def test_every_error_has_the_one_root() -> None:
    """Every error of the package descends from LocalCloudError and is in the module's list."""
    defined = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    assert defined == set(errors.__all__)
    assert all(issubclass(getattr(errors, name), errors.LocalCloudError) for name in defined)


def test_the_docstring_shows_the_tree() -> None:
    """The module's docstring names every error."""
    tree = errors.__doc__ or ""
    assert all(name in tree for name in errors.__all__)


def test_what_is_exported_exists() -> None:
    """The package's list of names is true."""
    for name in trunkline_localcloud.__all__:
        assert hasattr(trunkline_localcloud, name)
