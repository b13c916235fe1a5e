"""Placing an order as the test customer and following it on the screen."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from trunkline_devtools.errors import JourneyFailed
from trunkline_devtools.journey import CARD, DECLINED_CARD, Followed, Shop, Step, follow
from trunkline_devtools.local.platform import RunningPlatform
from trunkline_devtools.progress import Reporter

__all__ = ["as_json", "run_order"]

_TIMEOUT_SECONDS = 60.0
_EXPECTED = {CARD: "CONFIRMED", DECLINED_CARD: "CANCELLED"}


def run_order(running: RunningPlatform, reporter: Reporter, *, declined: bool = False) -> Followed:
    """Place an order at the public API and show its way until its e-mail is stored.

    Raises:
        JourneyFailed: it was refused, got lost, or ended in the wrong state.
    """
    card = DECLINED_CARD if declined else CARD
    shop = Shop(running.public_url, running.sign_in().id_token)
    placed = shop.place_order(card=card)
    reporter.say(f"order {placed.order_id} placed at the public API")

    def on_step(step: Step) -> None:
        reporter.say(
            f"  {step.after_ms:7.0f} ms  {step.service:<14} {step.event:<46} "
            f"{step.milliseconds:6.0f} ms"
        )

    followed = follow(
        running.aws, running.spans, shop, placed, timeout=_TIMEOUT_SECONDS, on_step=on_step
    )
    if followed.status != _EXPECTED[card]:
        raise JourneyFailed(
            f"order {followed.order_id} is {followed.status}, expected {_EXPECTED[card]}"
        )
    reporter.say(
        f"order {followed.order_id} is {followed.status} after {followed.seconds:.1f} s; "
        f"e-mail to {', '.join(followed.email.to)}:",
        style="green",
    )
    reporter.say(f"    {followed.email.subject}")
    for line in followed.email.text.strip().splitlines():
        reporter.say(f"    {line}")
    return followed


def as_json(followed: Followed) -> dict[str, Any]:
    """The order's way as plain data."""
    return {
        "order_id": followed.order_id,
        "trace_id": followed.trace_id,
        "status": followed.status,
        "seconds": round(followed.seconds, 3),
        "email": {
            "to": list(followed.email.to),
            "subject": followed.email.subject,
            "text": followed.email.text,
        },
        "steps": [asdict(step) for step in followed.steps],
    }
