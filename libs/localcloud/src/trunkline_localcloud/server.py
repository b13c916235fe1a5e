"""Serving: MiniStack embedded behind the front door, in this process, until a signal stops it."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from trunkline_localcloud.errors import PortInUse
from trunkline_localcloud.facts import AdministratorKeys, CloudFacts, read_facts, write_facts
from trunkline_localcloud.settings import CloudSettings
from trunkline_localcloud.state_lock import hold

__all__ = ["PORT_IN_USE_EXIT_CODE", "STATE_IN_USE_EXIT_CODE", "serve"]

PORT_IN_USE_EXIT_CODE = 98
"""Exit code of a serving process whose port is taken (the value of EADDRINUSE on Linux)."""

STATE_IN_USE_EXIT_CODE = 97
"""Exit code of a serving process whose state directory another cloud uses."""

_HOST = "127.0.0.1"
_BACKLOG = 512
_DRAIN_SECONDS = 3.0

if TYPE_CHECKING:
    from hypercorn.typing import Framework

logger = logging.getLogger(__name__)


def serve(settings: CloudSettings) -> None:
    """Serve until SIGTERM or SIGINT, then save the state.

    Raises:
        PortInUse: another process listens on the port.
        StateInUse: another cloud runs on the state directory.
    """
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    with hold(settings.state_dir):
        _serve_alone(settings)


def _serve_alone(settings: CloudSettings) -> None:
    listener = _listen(settings.port or _port_before(settings))
    port = listener.getsockname()[1]
    settings = replace(settings, port=port)
    _set_environment(settings)
    asyncio.run(_serve(settings, listener))


def _port_before(settings: CloudSettings) -> int:
    """The port of the last start when it is free still, since state refers to it; else 0."""
    known = read_facts(settings.facts_file)
    port = urlsplit(known.endpoint).port if known else None
    if port is None:
        return 0
    try:
        _listen(port).close()
    except PortInUse:
        return 0
    return port


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(port) from error
        raise
    listener.listen(_BACKLOG)
    return listener


def _set_environment(settings: CloudSettings) -> None:
    """MiniStack reads its settings from the environment when it is imported."""
    state = settings.state_dir.resolve()
    for name in [
        name
        for name in os.environ
        if name.startswith(("AWS_", "LAMBDA_", "MINISTACK_", "LOCALSTACK_"))
    ]:
        del os.environ[name]
    os.environ.update(
        GATEWAY_PORT=str(settings.port),
        BIND_HOST=_HOST,
        MINISTACK_HOST=_HOST,
        AUTH="true",
        MINISTACK_REGION=settings.region,
        MINISTACK_ACCOUNT_ID=settings.account_id,
        LAMBDA_EXECUTOR="local",
        SFTP_ENABLED="0",
        IOT_MTLS_ENABLED="0",
        PERSIST_STATE="1",
        STATE_DIR=str(state / "services"),
        S3_PERSIST="1",
        S3_DATA_DIR=str(state / "s3"),
        LOG_LEVEL="INFO",
    )


async def _serve(settings: CloudSettings, listener: socket.socket) -> None:
    from hypercorn.asyncio import serve as serve_asgi
    from hypercorn.config import Config
    from ministack.app import app as emulator

    from trunkline_localcloud.administrator import ensure_administrator
    from trunkline_localcloud.frontdoor import FrontDoor, watch_decisions
    from trunkline_localcloud.gaps import function_processes
    from trunkline_localcloud.gaps_installed import install_gaps

    install_gaps(settings)
    watch_decisions()
    known = read_facts(settings.facts_file)
    keys = known.administrator if known else AdministratorKeys.new()
    facts = CloudFacts(
        endpoint=f"http://{_HOST}:{settings.port}",
        pid=os.getpid(),
        region=settings.region,
        account_id=settings.account_id,
        admin_access_key=keys.access_key,
        admin_secret_key=keys.secret_key,
    )

    def started() -> None:
        ensure_administrator(keys)
        write_facts(settings.facts_file, facts)
        logger.info("ready at %s", facts.endpoint)

    stop = _stop_on_signals(lambda: function_processes.drain(_DRAIN_SECONDS))
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 3
    door = FrontDoor(
        emulator,
        admin_access_key=keys.access_key,
        on_started=started,
        on_stopping=function_processes.close,
    )
    await serve_asgi(cast("Framework", door), config, shutdown_trigger=stop.wait)


def _stop_on_signals(drain: Callable[[], None]) -> asyncio.Event:
    """An event that the first signal sets after ``drain``, and a second one at once."""
    stop = asyncio.Event()
    winding_down: list[asyncio.Task[None]] = []

    async def wind_down() -> None:
        await asyncio.to_thread(drain)
        stop.set()

    def on_signal() -> None:
        if winding_down:
            stop.set()
        else:
            winding_down.append(asyncio.create_task(wind_down()))

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    return stop
