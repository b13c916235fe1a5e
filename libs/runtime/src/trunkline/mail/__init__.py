"""E-mail."""

from trunkline.mail.sender import Mailer

__all__ = ["Mailer"]
