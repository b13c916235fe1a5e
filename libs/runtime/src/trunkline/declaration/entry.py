"""Finding the :class:`trunkline.Service` object that a manifest's ``entry`` names."""

from __future__ import annotations

import importlib

from trunkline.declaration.service import Service
from trunkline.errors import DeclarationError


def load_service(entry: str) -> Service:
    """Import ``package.module:attribute``.

    Raises:
        DeclarationError: there is no such module or attribute, or it is no service.
    """
    module_name, _, attribute = entry.partition(":")
    if not module_name or not attribute:
        raise DeclarationError(f"{entry!r} does not look like package.module:attribute")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module_name}.".startswith(f"{error.name}."):
            raise DeclarationError(f"{entry!r}: there is no module {error.name!r}") from error
        raise
    found = getattr(module, attribute, None)
    if not isinstance(found, Service):
        raise DeclarationError(f"{entry!r} is no trunkline.Service")
    return found
