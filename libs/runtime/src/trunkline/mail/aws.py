"""E-mail through SES, API version 2."""

from __future__ import annotations

from botocore.exceptions import ClientError

from trunkline.aws.clients import client
from trunkline.errors import Rejected
from trunkline.telemetry.tracing import span

_REFUSED = frozenset({"MessageRejected", "BadRequestException"})


def send_email(*, sender: str, to: str, subject: str, text: str, html: str | None) -> str:
    """Send one e-mail; SES's message id.

    Raises:
        Rejected: SES refuses this message for good.
    """
    body = {"Text": {"Data": text, "Charset": "UTF-8"}}
    if html is not None:
        body["Html"] = {"Data": html, "Charset": "UTF-8"}
    with span("send e-mail", kind="client") as active:
        try:
            answer = client("sesv2").send_email(
                FromEmailAddress=sender,
                Destination={"ToAddresses": [to]},
                Content={
                    "Simple": {"Subject": {"Data": subject, "Charset": "UTF-8"}, "Body": body}
                },
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _REFUSED:
                raise Rejected(error.response["Error"].get("Message", "refused by SES")) from error
            raise
        active.set_attribute("messaging.message.id", answer["MessageId"])
    return str(answer["MessageId"])
