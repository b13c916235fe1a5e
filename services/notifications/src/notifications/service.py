"""What notifications needs and does."""

from __future__ import annotations

from notifications.rendering import render
from notifications_contract import SendEmail
from trunkline import Service

service = Service("notifications")
mailer = service.email("shop@trunkline.example")


@service.performs(SendEmail, uses=[mailer])
def send(task: SendEmail) -> None:
    """Write the e-mail and hand it to SES."""
    email = render(task.content)
    mailer.send(to=task.to, subject=email.subject, text=email.text, html=email.html)
