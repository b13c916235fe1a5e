"""DynamoDB streams across a restart.

AWS keeps a stream's records for 24 hours
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html).
MiniStack saves how far each event source mapping has read, but not the records: after a restart a
stream begins at zero, and every mapping waits behind a position that the stream reaches only after
as many writes as before.
Here the records are saved and restored with the tables.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from trunkline_localcloud.patching import expect, replace
from trunkline_localcloud.settings import CloudSettings

__all__ = ["install"]

_GAP = "stream_state"
_STORES = ("_stream_records", "_stream_trimmed")


def install(_settings: CloudSettings) -> None:
    """Save and restore the records of streams."""
    from ministack.services import dynamodb

    stores = {name: expect(_GAP, dynamodb, name) for name in _STORES}

    def saving(original: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
        def get_state() -> dict[str, Any]:
            return original() | {name: copy.deepcopy(store) for name, store in stores.items()}

        return get_state

    def restoring(original: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
        def restore(data: dict[str, Any]) -> Any:
            for name, store in stores.items():
                store.update((data or {}).get(name, {}))
            return original(data)

        return restore

    replace(_GAP, dynamodb, "get_state", (), saving)
    replace(_GAP, dynamodb, "load_persisted_state", ("data",), restoring)
