"""Private routes whose permissions cannot be told apart.

A permission to call a route is an ARN in which each parameter of the path is an asterisk, and an
asterisk stands for any characters, slashes included
(https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html).
So a permission for ``/orders/{id}`` also covers ``/orders/{id}/lines``: with other callers there,
the resource policy of the one would deny the callers of the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import combinations

from trunkline.manifest.model import Route

_PARAMETER = re.compile(r"\{[^}]*\}")


def overlap(
    routes: Iterable[Route], callers: Mapping[str, set[tuple[str, str]]]
) -> tuple[Route, Route] | None:
    """The first two routes that share a permission but not their callers, or ``None``.

    Args:
        routes: of one private API.
        callers: the ``(service, function)`` pairs that call each route, by the route's name.
    """
    for one, other in combinations(routes, 2):
        if (
            one.method == other.method
            and callers[one.name] != callers[other.name]
            and _meet(_PARAMETER.sub("*", one.path), _PARAMETER.sub("*", other.path))
        ):
            return one, other
    return None


@cache
def _meet(one: str, other: str) -> bool:
    """Whether some text fits both patterns."""
    if one.startswith("*"):
        return _meet(one[1:], other) or (other != "" and _meet(one, other[1:]))
    if other.startswith("*"):
        return _meet(other, one)
    if not one or not other:
        return one == other
    return one[0] == other[0] and _meet(one[1:], other[1:])
