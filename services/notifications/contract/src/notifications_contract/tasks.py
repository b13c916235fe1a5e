"""The work that notifications does for others."""

from __future__ import annotations

from pydantic import Field

from notifications_contract.contents import Content
from trunkline import Personal, Task


class SendEmail(Task, version=1, subject="reference", large=True):
    """Send one e-mail to one person; a letter in it may be longer than a queue takes."""

    reference: str
    """What it is about, an order's id."""
    to: Personal[str] = Field(min_length=3, max_length=254)
    content: Content
