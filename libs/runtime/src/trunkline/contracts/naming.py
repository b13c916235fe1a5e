"""From Python's names to the names on the wire."""

from __future__ import annotations

import re

from trunkline.errors import DeclarationError

_SUFFIX = "_contract"
_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake_case(name: str) -> str:
    """``OrderPlaced`` becomes ``order_placed``, ``SEPAMandate`` becomes ``sepa_mandate``."""
    return _BOUNDARY.sub("_", name).lower()


def service_of(module: str, declared: str | None) -> str:
    """The service that a contract's module belongs to: of ``gift_cards_contract``, gift-cards.

    Args:
        module: the dotted name of the module that defines the class.
        declared: the service's name where it was given explicitly.

    Raises:
        DeclarationError: nothing was declared and the package is not called ``<service>_contract``.
    """
    if declared is not None:
        return declared
    package = module.partition(".")[0]
    if not package.endswith(_SUFFIX) or package == _SUFFIX:
        raise DeclarationError(
            f"{module}: contracts live in a package called <service>{_SUFFIX}; "
            'elsewhere say service="<service>" in the class statement'
        )
    return package.removesuffix(_SUFFIX).replace("_", "-")
