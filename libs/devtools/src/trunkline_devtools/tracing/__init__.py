"""Traces: spans read back from logs and joined into trees."""

from trunkline_devtools.tracing.span import Span, parse_span
from trunkline_devtools.tracing.tree import Node, as_json, build_tree, walk

__all__ = ["Node", "Span", "as_json", "build_tree", "parse_span", "walk"]
