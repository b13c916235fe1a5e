"""What others may ask of notifications: the task SendEmail."""

from notifications_contract.contents import Content, OrderCancelledEmail, OrderConfirmedEmail
from notifications_contract.tasks import SendEmail

__all__ = ["SendEmail", "Content", "OrderConfirmedEmail", "OrderCancelledEmail"]
