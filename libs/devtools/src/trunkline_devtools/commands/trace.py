"""``trace``: the spans of an order as a tree."""

from __future__ import annotations

import argparse

from rich.markup import escape
from rich.tree import Tree

from trunkline_devtools.errors import DevtoolsError
from trunkline_devtools.local import LocalPlatform
from trunkline_devtools.output import print_json
from trunkline_devtools.progress import Reporter
from trunkline_devtools.tracing import Node, Span, as_json, build_tree
from trunkline_devtools.workspace import Workspace

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("order_id", metavar="ORDER_ID", help="the order, or anything else traced")
    parser.add_argument("--json", action="store_true", help="one JSON document")


def run(options: argparse.Namespace) -> None:
    """Find the traces that mention the order and print each as a tree."""
    running = LocalPlatform(Workspace.find()).running()
    mentions = running.spans.containing(options.order_id)
    if not mentions:
        raise DevtoolsError(f"no span mentions {options.order_id}")
    traces = {
        trace_id: build_tree(running.spans.of_trace(trace_id))
        for trace_id in dict.fromkeys(span.trace_id for span in mentions)
    }
    if options.json:
        print_json([{"trace_id": id_, "spans": as_json(tree)} for id_, tree in traces.items()])
        return
    reporter = Reporter.for_person()
    for trace_id, forest in traces.items():
        tree = Tree(f"trace {trace_id}")
        beginning = forest[0].span
        for node in forest:
            _grow(tree, node, beginning)
        reporter.console.print(tree)


def _grow(tree: Tree, node: Node, beginning: Span) -> None:
    span = node.span
    after = (span.start - beginning.start).total_seconds() * 1000
    failed = f"  [red]{escape(span.error or span.status)}[/]" if span.status == "error" else ""
    branch = tree.add(
        f"[bold]{escape(span.service)}[/] {escape(span.function)}  {escape(span.name)}  "
        f"[dim]+{after:.0f} ms[/]  {span.milliseconds:.0f} ms{failed}"
    )
    for child in node.children:
        _grow(branch, child, beginning)
