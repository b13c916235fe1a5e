"""``up``: the whole platform on this machine."""

from __future__ import annotations

import argparse
import signal
import threading
from types import FrameType

from trunkline_devtools.errors import DevtoolsError
from trunkline_devtools.local import Up, bring_up, shut_down
from trunkline_devtools.progress import Reporter
from trunkline_devtools.workspace import Workspace

__all__ = ["configure", "run"]

_HIGHEST_PORT = 65535
_LOOK_SECONDS = 1.0


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--detach", action="store_true", help="return when ready")
    parser.add_argument(
        "--port", type=_port, metavar="N", help="the local cloud's port; 0 takes a free one"
    )


def run(options: argparse.Namespace) -> None:
    """Bring the platform up; stay until Ctrl-C unless detached."""
    reporter = Reporter.for_person()
    signal.signal(signal.SIGTERM, _interrupt)
    up = bring_up(Workspace.find(), reporter, options.port)
    if options.detach or up.was_running:
        _how_to_go_on(up, reporter)
        return
    try:
        _how_to_go_on(up, reporter)
        _stay(up, reporter)
    except KeyboardInterrupt:
        reporter.say("stopping")
    finally:
        shut_down(up.running.platform)
    reporter.say("stopped; its state is kept")


def _how_to_go_on(up: Up, reporter: Reporter) -> None:
    times = ", ".join(f"{phase.name} {phase.seconds:.1f} s" for phase in reporter.phases)
    reporter.say(f"ready after {reporter.elapsed:.1f} s ({times})", style="bold green")
    reporter.say("")
    reporter.say(f"  public API   {up.running.public_url}")
    reporter.say(f"  AWS          {up.cloud.endpoint}  (keys: ./dev status)")
    reporter.say("  an order     ./dev order, ./dev order --decline")
    reporter.say("  its trace    ./dev trace ORDER_ID")
    reporter.say("  under load   ./dev load --users 5 --time 30s")
    reporter.say("  stop         ./dev down (keeps the state), ./dev down --reset (forgets it)")
    if up.was_running:
        reporter.say("")
        reporter.say("it was running already and goes on running")


def _stay(up: Up, reporter: Reporter) -> None:
    """Wait for Ctrl-C, or for the cloud's end."""
    reporter.say("")
    reporter.say("running; Ctrl-C stops it and keeps its state")
    # An event that nobody sets: waiting on it can be interrupted on every platform.
    while not threading.Event().wait(_LOOK_SECONDS):
        if not up.cloud.is_running():
            raise DevtoolsError("the local cloud has ended; start it again with: ./dev up")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > _HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 0 to {_HIGHEST_PORT}")
    return int(text)
