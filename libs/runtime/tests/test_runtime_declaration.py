"""Declarations: what contradicts itself is refused where it stands."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from depot_contract import DepotApi
from shop_contract import OrderPlaced, PaymentSeen, PlaceOrder, Remind, ShopApi

from trunkline import Api, Caller, Event, IdempotencyKey, Model, Money, Service, command, query
from trunkline.contracts.message import message_type, subject_of
from trunkline.contracts.naming import service_of, snake_case
from trunkline.errors import DeclarationError


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("OrderPlaced", "order_placed"),
        ("SEPAMandateSigned", "sepa_mandate_signed"),
        ("Order2Placed", "order2_placed"),
        ("X", "x"),
    ],
)
def test_class_names_become_wire_names(name: str, expected: str) -> None:
    """Words are parted where people see them."""
    assert snake_case(name) == expected


def test_service_comes_from_the_package() -> None:
    """A contract package is called after its service; elsewhere the service must be said."""
    assert service_of("gift_cards_contract.events", None) == "gift-cards"
    assert service_of("anything", "billing") == "billing"
    for module in ("orders.events", "_contract"):
        with pytest.raises(DeclarationError, match="_contract"):
            service_of(module, None)


def test_message_knows_its_name_and_subject() -> None:
    """The wire name has service, name and version; the subject is a field's value."""
    assert message_type(OrderPlaced).wire_name == "shop.order_placed.v1"
    event = OrderPlaced(order_id="1", total=Money(amount=1, currency="EUR"))
    assert message_type(event) is message_type(OrderPlaced)
    assert subject_of(event) == "1"


def test_message_needs_version_and_known_subject() -> None:
    """Without a version, or with a subject that is no field, there is no message class."""
    with pytest.raises(DeclarationError, match="version"):

        class NoVersion(Event, service="x"):
            pass

    with pytest.raises(DeclarationError, match="no field 'nope'"):

        class NoSubject(Event, version=1, service="x", subject="nope"):
            pass


def declare(change: Callable[[Service], object]) -> None:
    """Make one mistake in a fresh service of the shop's contract."""
    service = Service("shop", entry="x:y")
    service.implements(ShopApi.get_order)(lambda order_id: order_id)
    change(service)
    service.manifest()


class Thing(Model):
    """A record."""

    name: str


def two_events(service: Service) -> None:
    """React to one event twice."""
    service.reacts_to(PaymentSeen)(lambda event: None)
    service.reacts_to(PaymentSeen)(lambda event: None)


def unnamed_key(service: Service) -> None:
    """Want the key of an operation that has none."""

    def handler(order_id: str, key: IdempotencyKey) -> None:
        """Never called."""

    service.api_handlers.clear()
    service.implements(ShopApi.get_order)(handler)
    _ = service.api_handlers["get_order"].injected


def unknown_parameter(service: Service) -> None:
    """Want something that the operation does not have."""

    def handler(order: str) -> None:
        """Never called."""

    service.api_handlers.clear()
    service.implements(ShopApi.get_order)(handler)
    _ = service.api_handlers["get_order"].injected


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (lambda s: s.table("outbox", Thing, key="name"), "runtime's own"),
        (lambda s: [s.table("a", Thing, key="name") for _ in "12"], "table 'a' twice"),
        (lambda s: [s.setting("a", description="d") for _ in "12"], "setting 'a' twice"),
        (lambda s: [s.secret("a", description="d") for _ in "12"], "secret 'a' twice"),
        (lambda s: s.calls(ShopApi.get_order), "calls its own"),
        (lambda s: s.implements(ShopApi.get_order)(lambda order_id: order_id), "twice"),
        (lambda s: s.implements(DepotApi.cancel)(lambda sku: None), "is depot's, not shop's"),
        (lambda s: s.implements(ShopApi.place_order, idempotency="Key"), "Idempotency-Key"),
        (lambda s: s.performs(Remind)(lambda a, b: None), "one argument"),
        (two_events, "function 'on-payment-seen' twice"),
        (unnamed_key, "idempotency key"),
        (unknown_parameter, "no parameter 'order'"),
        (lambda s: s.reacts_to(PaymentSeen, uses=[1])(lambda event: None), "cannot be named"),
        (lambda s: s.reacts_to(PaymentSeen, uses=[str])(lambda event: None), "cannot be named"),
        (lambda s: None, "does not implement <command place_order"),
    ],
)
def test_mistakes_are_named(mistake: Callable[[Service], object], words: str) -> None:
    """A wrong declaration is refused with a text that says what is wrong."""
    with pytest.raises(DeclarationError, match=words):
        declare(mistake)


def test_only_own_events_can_be_emitted() -> None:
    """A service cannot state another's facts, nor perform another's tasks."""
    service = Service("billing")
    with pytest.raises(DeclarationError, match="it is shop's"):
        service.reacts_to(PaymentSeen, uses=[OrderPlaced])(lambda event: None)
    with pytest.raises(DeclarationError, match="shop's task"):
        service.performs(Remind)


def test_service_without_handlers_is_no_service() -> None:
    """A manifest needs at least one function."""
    with pytest.raises(DeclarationError, match="no handler"):
        Service("idle", entry="x:y").manifest()


def test_names_that_aws_could_not_bear_are_refused() -> None:
    """A name outside the manifest's rules is refused with the field."""
    service = Service("Shop_1", entry="x:y")
    service.reacts_to(PaymentSeen)(lambda event: None)
    with pytest.raises(DeclarationError, match="service"):
        service.manifest()


def test_entry_must_be_findable() -> None:
    """A service that its module does not hold cannot be found again by a function."""
    service = Service("hidden")
    service.reacts_to(PaymentSeen)(lambda event: None)
    with pytest.raises(DeclarationError, match="say entry="):
        service.manifest()


def api_of(path: str, **operations: object) -> type[Api]:
    """An API with one more or less well-formed operation."""

    def operation(self: Api, order_id: str) -> None:
        """Never called."""

    namespace = {"operation": query("GET", path)(operation), **operations}
    return type("SomeApi", (Api,), namespace, version=1, service="x")  # type: ignore[call-arg]


@pytest.mark.parametrize("path", ["", "orders", "/orders/", "/{Order}", "/a b", "/{a}{b}"])
def test_malformed_paths_are_refused(path: str) -> None:
    """A path is slashes with words or variables between."""
    with pytest.raises(DeclarationError, match="is no path"):
        api_of(path)


def test_signature_must_fit_the_path() -> None:
    """Every variable of the path is a parameter, every parameter has a type, a GET has no body."""
    with pytest.raises(DeclarationError, match="no parameter for other"):
        _ = api_of("/{other}").operation.parameters  # type: ignore[attr-defined]

    def untyped(self, order_id) -> None:  # type: ignore[no-untyped-def]
        """Never called."""

    def variadic(self: object, *ids: str) -> None:
        """Never called."""

    def bodied(self: object, body: PlaceOrder) -> None:
        """Never called."""

    for function, words in ((untyped, "no type"), (variadic, "cannot be"), (bodied, "no body")):
        with pytest.raises(DeclarationError, match=words):
            _ = query("GET", "/x")(function).parameters


def test_two_operations_cannot_share_a_route() -> None:
    """The same method and path shape would be ambiguous."""

    def other(self: Api, sku: str) -> None:
        """Never called."""

    with pytest.raises(DeclarationError, match="are both GET"):
        api_of("/{order_id}", other=query("GET", "/{sku}")(other))


def test_operation_outside_an_api_is_refused() -> None:
    """An operation belongs to an API."""

    def loose(self: object) -> None:
        """Never called."""

    operation = command("POST", "/x", status=202)(loose)
    assert operation.status == 202
    with pytest.raises(DeclarationError, match="outside"):
        _ = operation.service


def test_callers_are_values() -> None:
    """Two callers with the same identity are equal."""
    assert Caller.service("a") == Caller.service("a")
    assert Caller.customer("1", email="a@b.c").claims["email"] == "a@b.c"


def test_money_keeps_its_currency() -> None:
    """Amounts add up within a currency only, and are never rounded."""
    one, two = Money(amount=150, currency="EUR"), Money(amount=5, currency="EUR")
    assert one + two * 2 == Money(amount=160, currency="EUR")
    assert str(Money(amount=-1205, currency="EUR")) == "-12.05 EUR"
    with pytest.raises(ValueError, match="cannot add"):
        _ = one + Money(amount=1, currency="USD")
