"""What the sample service knows of its neighbour."""

from __future__ import annotations

from trunkline import Api, IdempotencyKey, Model, Task, command, query


class Stock(Model):
    """How much of an article there is."""

    sku: str
    pieces: int


class Reservation(Model):
    """How much to put aside."""

    sku: str
    pieces: int


class DepotApi(Api, version=1):
    """Look at the stock; put something aside."""

    @query("GET", "/stock/{sku}")
    def get_stock(self, sku: str, region: str = "eu", shelf: list[int] = []) -> Stock:  # noqa: B006
        """The stock of one article."""

    @command("POST", "/reservations")
    def reserve(self, body: Reservation, idempotency_key: IdempotencyKey) -> Stock:
        """Put pieces aside."""

    @command("DELETE", "/reservations/{sku}")
    def cancel(self, sku: str) -> None:
        """Put them back."""


class Pack(Task, version=1, subject="order_id"):
    """Pack an order."""

    order_id: str
