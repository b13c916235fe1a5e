"""E-mails from templates."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from notifications.rendering import render
from notifications_contract import Content, OrderCancelledEmail, OrderConfirmedEmail
from trunkline import Money

TOTAL = Money(amount=2500, currency="EUR")
CONTENTS: list[Content] = [
    OrderConfirmedEmail(order_id="o-1", sku="mug", quantity=2, total=TOTAL),
    OrderCancelledEmail(order_id="o-1", sku="mug", quantity=2, total=TOTAL),
]


def words_of(html: str) -> str:
    """What a reader of the HTML sees."""
    found: list[str] = []
    parser = HTMLParser()
    parser.handle_data = found.append  # type: ignore[method-assign]
    parser.feed(html)
    return " ".join(" ".join(found).split())


@pytest.mark.parametrize("content", CONTENTS, ids=lambda content: content.template)
def test_every_template_fills_in_everything(content: Content) -> None:
    """Subject and both bodies name the order; no placeholder is left."""
    email = render(content)
    for part in (email.subject, email.text, words_of(email.html)):
        assert "o-1" in part
        assert "$" not in part
    assert "2 x mug: 25.00 EUR" in email.text
    assert "2 \u00d7 mug: 25.00 EUR" in words_of(email.html)


def test_what_a_confirmed_order_says() -> None:
    """The subject tells the customer the outcome."""
    assert render(CONTENTS[0]).subject == "Your order o-1 is confirmed"


def test_what_a_cancelled_order_says() -> None:
    """A declined card is said to be declined, and that nothing was charged."""
    email = render(CONTENTS[1])
    assert email.subject == "Your order o-1 was cancelled"
    assert "your card was declined" in email.text
    assert "Nothing was charged" in email.text


def test_values_are_escaped_in_html_alone() -> None:
    """Markup in a value shows as it was written and never becomes part of the page."""
    sku = '<script>alert("&")</script>'
    email = render(OrderConfirmedEmail(order_id="o-1", sku=sku, quantity=1, total=TOTAL))
    assert "<script" not in email.html
    assert sku in words_of(email.html)
    assert sku in email.text


def test_a_subject_is_one_line() -> None:
    """A line break in a value cannot begin another header."""
    email = render(
        OrderConfirmedEmail(order_id="o-1\r\nBcc: x@y", sku="mug", quantity=1, total=TOTAL)
    )
    assert email.subject == "Your order o-1 Bcc: x@y is confirmed"


def test_a_value_that_looks_like_a_placeholder_stays() -> None:
    """Values are not templates: a dollar sign in one is printed."""
    email = render(OrderConfirmedEmail(order_id="$total", sku="mug", quantity=1, total=TOTAL))
    assert "Order: $total" in email.text
