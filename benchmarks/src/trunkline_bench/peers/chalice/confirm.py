"""Payments that were captured, from a queue, with Chalice.

https://aws.github.io/chalice/topics/events.html#sqs-events; what the function returns is the
answer to Lambda, so partial failures are reported by hand.
"""

from __future__ import annotations

from typing import Any

from chalice import Chalice
from chalice.app import SQSEvent

from trunkline_bench.peers.by_hand.batch import process
from trunkline_bench.peers.by_hand.confirm import confirm

app = Chalice(app_name="orders")


@app.on_sqs_message(queue="orders-on-payment-captured", batch_size=10)
def handler(event: SQSEvent) -> dict[str, Any]:
    """Lambda's entry."""
    records = [record.to_dict() for record in event]
    return process(records, lambda record: confirm(record["body"], event.context))
