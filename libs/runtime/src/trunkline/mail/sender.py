"""E-mail from one address."""

from __future__ import annotations

from dataclasses import dataclass, field

from trunkline.invocation import Uses, require
from trunkline.manifest.model import EmailNeed


@dataclass(frozen=True)
class Mailer:
    """Sends e-mail from one address, through SES. Made by :meth:`trunkline.Service.email`."""

    sender: str
    need: EmailNeed = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "need", EmailNeed(sender=self.sender))

    def granted(self) -> Uses:
        """What a handler with this mailer may use."""
        return Uses(needs=frozenset({self.need}))

    def send(self, *, to: str, subject: str, text: str, html: str | None = None) -> str:
        """Send one e-mail.

        Args:
            to: the one recipient.
            subject: one line.
            text: the plain body.
            html: the same for readers that show HTML.

        Returns:
            SES's message id.

        Raises:
            UndeclaredUse: the running handler did not declare the mailer.
            Rejected: SES refuses this message for good.
            Unavailable: SES cannot take it now.
        """
        require(self.need)
        from trunkline.mail.aws import send_email  # botocore is imported on first use only

        return send_email(sender=self.sender, to=to, subject=subject, text=text, html=html)
