"""The runs: ours and the peers' take turns, so that what slows the machine slows them all."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from trunkline_bench.runtime.measures import Measure
from trunkline_bench.runtime.peers import Peer
from trunkline_bench.runtime.processes import Functions
from trunkline_bench.runtime.statistics import Summary
from trunkline_bench.runtime.surroundings import running_cloud

__all__ = ["Results", "measure_all"]

Results = dict[str, dict[str, Summary]]
"""By measure and peer."""

_WARM_UP_RUNS = 2


def measure_all(
    peers: Sequence[Peer],
    measures: Sequence[Measure],
    *,
    runs: int,
    progress: Callable[[str], None],
) -> Results:
    """Measure all peers.

    Args:
        peers: who is compared.
        measures: what is measured.
        runs: of each peer and measure.
        progress: is told what begins.

    Raises:
        PeerFailed: a peer does not do the work.
    """
    results: Results = {}
    with running_cloud() as cloud, tempfile.TemporaryDirectory() as folder:
        functions = Functions(cloud, Path(folder))
        for measure in measures:
            progress(f"{measure.name}: {runs} runs of {len(peers)} peers")
            measured = _loops if measure.calls else _first_responses
            results[measure.name] = measured(functions, peers, measure, runs)
    return results


def _first_responses(
    functions: Functions, peers: Sequence[Peer], measure: Measure, runs: int
) -> dict[str, Summary]:
    seconds: dict[str, list[float]] = {peer.name: [] for peer in peers}
    # One more at first, which is not counted: it writes the bytecode and warms the file cache.
    for peers_in_turn in _rounds(peers, runs + 1):
        for peer in peers_in_turn:
            with functions.started(peer, measure) as (_, elapsed):
                seconds[peer.name].append(elapsed)
    return {name: Summary(tuple(values[1:])) for name, values in seconds.items()}


def _loops(
    functions: Functions, peers: Sequence[Peer], measure: Measure, runs: int
) -> dict[str, Summary]:
    seconds: dict[str, list[float]] = {peer.name: [] for peer in peers}
    with ExitStack() as stack:
        started = {
            peer.name: stack.enter_context(functions.started(peer, measure))[0] for peer in peers
        }
        for function in started.values():
            function.call(_WARM_UP_RUNS * measure.calls)
        for peers_in_turn in _rounds(peers, runs):
            for peer in peers_in_turn:
                answer = started[peer.name].call(measure.calls)
                seconds[peer.name].append(answer.seconds / measure.calls / measure.units)
    return {name: Summary(tuple(values)) for name, values in seconds.items()}


def _rounds(peers: Sequence[Peer], count: int) -> Iterator[Sequence[Peer]]:
    """Everybody once in each round; who begins changes from round to round."""
    for number in range(count):
        first = number % len(peers)
        yield (*peers[first:], *peers[:first])
