"""Starting functions before somebody waits for them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from trunkline.manifest import Manifest, names
from trunkline_devtools.aws.clients import Aws, aws_errors
from trunkline_devtools.aws.release import ALIAS
from trunkline_devtools.errors import CloudCallFailed

__all__ = ["start_functions"]

_SIDE_BY_SIDE = 4
_NOTHING = {
    "api": {"httpMethod": "GET", "resource": "/", "path": "/"},
    "event": {"Records": []},
    "tasks": {"Records": []},
    "relay": {"Records": []},
}
"""For each trigger an invocation that does nothing: a path that no service has, an empty batch.

No order waits for a rotation, and there is none that does nothing."""


def start_functions(aws: Aws, environment: str, manifests: Iterable[Manifest]) -> int:
    """Invoke the functions once with nothing to do, several at a time; how many there are.

    An order would start them one after another, each while the customer waits.

    Raises:
        CloudCallFailed: a function does not start; says why.
    """
    functions = [
        (names.function(environment, manifest.service, function.name), function.trigger)
        for manifest in manifests
        for function in manifest.functions
        if function.trigger in _NOTHING
    ]
    with ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="start") as pool:
        for started in [pool.submit(_start, aws, *function) for function in functions]:
            started.result()
    return len(functions)


def _start(aws: Aws, function: str, trigger: str) -> None:
    with aws_errors(f"starting the function {function}"):
        answer = aws.client("lambda").invoke(
            FunctionName=function, Qualifier=ALIAS, Payload=json.dumps(_NOTHING[trigger])
        )
        payload = answer["Payload"].read()
    if "FunctionError" in answer:
        reason = json.loads(payload or "{}").get("errorMessage", "it gave no reason")
        raise CloudCallFailed(f"the function {function} does not start: {reason}")
