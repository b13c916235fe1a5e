"""What payments needs and does."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr

from orders_contract import OrderPlaced
from payments.errors import ProviderKeyRefused
from payments.payment import Payment, PaymentStatus
from payments.provider import MAX_SECONDS, Provider
from payments_contract import PaymentCaptured, PaymentDeclined
from trunkline import Service
from trunkline.rotation import Rotation

service = Service("payments")
payments = service.table("payments", Payment, key="order_id")
cards_declined = service.metric("cards_declined")
provider_url = service.setting(
    "provider-url",
    description="Base URL of the payment provider's API",
    default="https://api.payments.example",
)
provider_seconds = service.setting(
    "provider-seconds",
    type=Annotated[float, Field(gt=0, le=MAX_SECONDS)],
    description="Seconds that the payment provider's answer may take",
    default=3.0,
    live=True,
)
provider_key = service.secret(
    "provider-api-key", description="The key that the payment provider gave us"
)
provider_host = service.outbound("api.payments.example")

provider = Provider(provider_url.value, provider_seconds.value)


@service.reacts_to(
    OrderPlaced,
    uses=[
        payments.read,
        payments.write,
        provider_url,
        provider_seconds,
        provider_key,
        provider_host,
        PaymentCaptured,
        PaymentDeclined,
    ],
)
def charge(event: OrderPlaced) -> None:
    """Charge the card, then store the outcome and, in the same transaction, what to tell others.

    A crash between the two is harmless: the message comes again, and the provider answers the
    order's id with the charge that it has already made.
    """
    if payments.get(event.order_id) is not None:
        return
    outcome = provider_key.use(
        lambda key: provider.charge(
            key, order_id=event.order_id, amount=event.total, card_token=event.card_token
        ),
        refused=ProviderKeyRefused,
    )
    payment = Payment(
        order_id=event.order_id,
        amount=event.total,
        status=outcome.status,
        evidence=outcome.evidence,
    )
    payments.put(payment, emit=[payment.event()])
    if payment.status is PaymentStatus.DECLINED:
        cards_declined.add()


@service.rotates(
    provider_key,
    schedule="rate(30 days)",
    uses=[provider_url, provider_seconds, provider_host],
)
class ProviderKeyRotation(Rotation[SecretStr]):
    """The provider issues a second key, and revokes the first one in the end."""

    def create(self, current: SecretStr, token: str) -> SecretStr:
        """Have the provider issue a key."""
        return provider.new_key(current, token)

    def test(self, value: SecretStr) -> None:
        """Read something with it."""
        provider.check(value)

    def finish(self, current: SecretStr, previous: SecretStr) -> None:  # noqa: ARG002
        """Have the provider refuse all other keys, also those of rotations that never ended."""
        provider.revoke_others(current)
