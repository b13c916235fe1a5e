"""Spans as a tree: who caused what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from trunkline_devtools.tracing.span import Span

__all__ = ["Node", "as_json", "build_tree", "walk"]


@dataclass(frozen=True)
class Node:
    """A span and the spans that it caused, in the order of their starts."""

    span: Span
    children: tuple[Node, ...]


def build_tree(spans: Iterable[Span]) -> tuple[Node, ...]:
    """The roots of the forest that the spans form.

    A span whose parent is not among them is a root: the parent is the caller's own, or its log
    line has not arrived yet. Spans that name each other in a circle are broken input; the earliest
    of them becomes a root.
    """
    by_id = {span.span_id: span for span in spans}
    ordered = sorted(by_id.values(), key=lambda span: (span.start, span.end, span.span_id))
    children: dict[str, list[Span]] = {}
    roots: list[Span] = []
    for span in ordered:
        if span.parent_span_id in by_id and span.parent_span_id != span.span_id:
            children.setdefault(str(span.parent_span_id), []).append(span)
        else:
            roots.append(span)
    placed: set[str] = set()

    def node(span: Span) -> Node:
        placed.add(span.span_id)
        below = [child for child in children.get(span.span_id, ()) if child.span_id not in placed]
        return Node(span, tuple(node(child) for child in below if child.span_id not in placed))

    forest = [node(span) for span in roots]
    circles = (node(span) for span in ordered if span.span_id not in placed)
    return (*forest, *circles)


def walk(nodes: Iterable[Node], depth: int = 0) -> Iterator[tuple[int, Span]]:
    """Every span with its depth, parents before children."""
    for node in nodes:
        yield depth, node.span
        yield from walk(node.children, depth + 1)


def as_json(nodes: Iterable[Node]) -> list[dict[str, Any]]:
    """The forest as plain data."""
    return [
        {
            "service": node.span.service,
            "function": node.span.function,
            "name": node.span.name,
            "kind": node.span.kind,
            "trace_id": node.span.trace_id,
            "span_id": node.span.span_id,
            "start": node.span.start.isoformat(timespec="milliseconds"),
            "milliseconds": round(node.span.milliseconds, 1),
            "status": node.span.status,
            "error": node.span.error,
            "attributes": node.span.attributes,
            "children": as_json(node.children),
        }
        for node in nodes
    ]
