"""Facts about the routes of all services together."""

from __future__ import annotations

from pathlib import Path

from trunkline import Caller
from trunkline.declaration import load_service
from trunkline.manifest import calls_of, load_all
from trunkline.rules import Verdict

SERVICES = Path(__file__).parents[2] / "services"


def test_every_declared_call_has_the_callees_consent() -> None:
    """Whoever declares a call is admitted by the rule of the route, so that it gets no 403."""
    manifests = load_all(SERVICES)
    entries = {manifest.service: manifest.entry for manifest in manifests}
    asked = [(manifest.service, call) for manifest in manifests for _, call in calls_of(manifest)]
    assert asked
    refused = [
        f"{caller} calls {call.service}.{call.route}, which allows {handler.allow}"
        for caller, call in asked
        for handler in [load_service(entries[call.service]).api_handlers[call.route]]
        if handler.allow.judge(Caller.service(caller)) is not Verdict.ALLOWED
    ]
    assert refused == []
