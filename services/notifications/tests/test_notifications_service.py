"""The handler of notifications, on an AWS in memory."""

from __future__ import annotations

from notifications_contract import OrderConfirmedEmail, SendEmail
from trunkline import Money
from trunkline.testing import ServiceHarness

TASK = SendEmail(
    reference="o-1",
    to="ann@example.com",
    content=OrderConfirmedEmail(
        order_id="o-1", sku="mug", quantity=2, total=Money(amount=2500, currency="EUR")
    ),
)


def test_a_task_is_an_email(harness: ServiceHarness) -> None:
    """It goes from the shop to the customer and says what happened."""
    assert harness.deliver(TASK)
    (email,) = harness.emails()
    assert (email.sender, email.to) == ("shop@trunkline.example", "ann@example.com")
    assert email.subject == "Your order o-1 is confirmed"
    assert "25.00 EUR" in email.body


def test_a_letter_that_no_queue_takes_is_sent_whole(harness: ServiceHarness) -> None:
    """The data of a long task is fetched from where it waits; the giver reads every line of it."""
    letter = "\u795d" * 90_000
    content = TASK.content.model_copy(update={"gift_letter": letter})
    assert harness.deliver(TASK.model_copy(update={"content": content}))
    (email,) = harness.emails()
    assert letter in email.body


def test_a_repeated_task_is_one_email(harness: ServiceHarness) -> None:
    """The same task delivered twice is done once."""
    assert harness.deliver(TASK)
    assert harness.deliver(TASK, receives=2)
    assert len(harness.emails()) == 1


def test_an_unknown_template_is_a_dead_letter(harness: ServiceHarness) -> None:
    """A task that this version cannot read is put aside at once, not tried five times."""
    envelope = (
        '{"specversion":"1.0","id":"1","source":"orders","type":"notifications.send_email.v1",'
        '"data":{"reference":"o-1","to":"ann@example.com","content":{"template":"poem"}}}'
    )
    assert harness.deliver_raw("tasks", envelope)
    (letter,) = harness.dead_letters("tasks")
    assert letter.error_type == "InvalidMessage"
    assert harness.emails() == []
