"""The e-mails that SES accepted, none of which ever leaves this machine."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

__all__ = ["accepted_emails"]


def accepted_emails() -> list[dict[str, Any]]:
    """Every accepted e-mail, the oldest first."""
    from ministack.services import ses

    records = [
        record
        for entries in ses._sent_emails.to_dict().values()
        if isinstance(entries, list)
        for record in entries
    ]
    return [_email(record) for record in sorted(records, key=lambda each: each["Timestamp"])]


def _email(record: dict[str, Any]) -> dict[str, Any]:
    sent_at = datetime.fromtimestamp(record["Timestamp"], UTC)
    return {
        "to": record.get("To") or [],
        "subject": record.get("RenderedSubject") or record.get("Subject") or "",
        "text": record.get("RenderedBodyText") or record.get("BodyText") or "",
        "html": record.get("RenderedBodyHtml") or record.get("BodyHtml") or "",
        "from": record.get("Source") or "",
        "sent_at": sent_at.isoformat().replace("+00:00", "Z"),
        "message_id": record["MessageId"],
    }
