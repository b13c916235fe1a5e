"""The AWS query protocol: form parameters to structures, and structures to XML.

https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

__all__ = ["read_parameters", "write_members"]


def read_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Form parameters as the structure that they flatten; every leaf is a string.

    ``{"Dimensions.member.1.Name": ["a"]}`` is ``{"Dimensions": [{"Name": "a"}]}``.
    """
    root: dict[str, Any] = {}
    for name, value in parameters.items():
        node = root
        *parents, leaf = name.split(".")
        for parent in parents:
            node = node.setdefault(parent, {})
        node[leaf] = value[0] if isinstance(value, list) else value
    return {name: _gathered(node) for name, node in root.items()}


def _gathered(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if set(node) == {"member"}:
        members = node["member"]
        if not isinstance(members, dict):  # an empty list is sent as an empty parameter
            return []
        return [_gathered(members[position]) for position in sorted(members, key=int)]
    return {name: _gathered(child) for name, child in node.items()}


def write_members(structure: Mapping[str, Any]) -> str:
    """XML of a structure's members; what is None is left out.

    Numbers under a name that ends in ``Timestamp`` are seconds since the epoch.
    """
    return "".join(
        f"<{name}>{_written(name, value)}</{name}>"
        for name, value in structure.items()
        if value is not None
    )


def _written(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return write_members(value)
    if isinstance(value, list):
        return "".join(f"<member>{_written('', each)}</member>" for each in value)
    if isinstance(value, bool):
        return str(value).lower()
    if name.endswith("Timestamp") and isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC).isoformat()
    return escape(str(value))
