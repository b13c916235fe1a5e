"""Versions side by side: old and new publishers and subscribers understand each other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline import Event, Model, Money, Service, Task, one_fact, upcast
from trunkline.contracts.message import Message, message_type
from trunkline.contracts.versions import accepted_versions
from trunkline.errors import DeclarationError, UndeclaredUse, UnknownEvent
from trunkline.events.cloudevents import CloudEvent
from trunkline.manifest import Function, Manifest, Subscription, check
from trunkline.testing import ServiceHarness


class SoldV1(Event, version=1, subject="item", service="till"):
    """How it was told first."""

    item: str
    cents: int


class SoldV2(Event, version=2, subject="item", service="till"):
    """With a currency."""

    item: str
    price: Money


class Sold(Event, version=3, subject="item", service="till"):
    """With the number of pieces."""

    item: str
    price: Money
    pieces: int


class CountV1(Task, version=1, service="audit"):
    """Work as it was asked first."""

    item: str


class Count(Task, version=2, service="audit"):
    """Work as it is asked now."""

    item: str
    times: int


class Sell(Task, version=1, service="till"):
    """What the publisher does."""

    item: str


@upcast(SoldV1, to=SoldV2)
def in_euros(old: SoldV1) -> SoldV2:
    """Prices used to be in euros."""
    return SoldV2(item=old.item, price=Money(amount=old.cents, currency="EUR"))


@upcast(SoldV2, to=Sold)
def one_piece(old: SoldV2) -> Sold:
    """Pieces used to be sold one by one."""
    return Sold(item=old.item, price=old.price, pieces=1)


@upcast(CountV1, to=Count)
def once(old: CountV1) -> Count:
    """Things used to be counted once."""
    return Count(item=old.item, times=1)


seen: list[Message] = []
audit = Service("audit", entry=f"{__name__}:audit")


@audit.reacts_to(Sold)
def on_sold(event: Sold) -> None:
    """Remember it."""
    seen.append(event)


@audit.performs(Count)
def count(task: Count) -> None:
    """Remember it."""
    seen.append(task)


class Sale(Model):
    """A record of the publisher."""

    item: str


till = Service("till", entry=f"{__name__}:till")
sales = till.table("sales", Sale, key="item")


@till.performs(Sell, uses=[sales.write, SoldV1, Sold])
def sell(task: Sell) -> None:
    """Never called: the tests write the table themselves."""


@pytest.fixture
def auditor() -> Iterator[ServiceHarness]:
    """The subscriber, running."""
    seen.clear()
    with ServiceHarness(audit) as harness:
        yield harness


V1 = SoldV1(item="cup", cents=250)
V2 = SoldV2(item="cup", price=Money(amount=250, currency="EUR"))
V3 = Sold(item="cup", price=Money(amount=250, currency="EUR"), pieces=1)


@pytest.mark.parametrize("told", [V1, V2, V3])
def test_every_version_reaches_the_handler_as_its_own(
    auditor: ServiceHarness, told: Message
) -> None:
    """A handler of the newest version gets the newest, whatever was published."""
    assert auditor.deliver(told)
    assert seen == [V3]


def test_one_fact_in_several_versions_takes_effect_once(auditor: ServiceHarness) -> None:
    """Versions of one fact share its id, so that only the first to arrive is handled."""
    assert [auditor.deliver(told, event_id="sale-1") for told in (V3, V1, V2)] == [True] * 3
    assert seen == [V3]


def test_an_older_task_is_performed_as_the_newer_one(auditor: ServiceHarness) -> None:
    """Tasks have versions as events do."""
    assert auditor.deliver(CountV1(item="cup"))
    assert seen == [Count(item="cup", times=1)]


@given(st.text(max_size=9), st.integers(0, 10**9))
def test_chains_lose_nothing(item: str, cents: int) -> None:
    """A chain makes the same of a message as its steps one by one, in whatever version it began."""
    newest, middle, oldest = accepted_versions(Sold)
    first = SoldV1(item=item, cents=cents)
    expected = one_piece(in_euros(first))
    assert oldest.upcast(first) == middle.upcast(in_euros(first)) == newest.upcast(expected)
    assert oldest.upcast(first) == expected


def test_the_subscription_names_every_accepted_version() -> None:
    """One queue gets all versions; so do the service's tasks."""
    manifest = audit.manifest()
    assert [(s.function, s.event) for s in manifest.subscriptions] == [
        ("on-sold", "till.sold.v1"),
        ("on-sold", "till.sold.v2"),
        ("on-sold", "till.sold.v3"),
    ]
    assert manifest.accepts == ("audit.count.v1", "audit.count.v2")


def test_versions_of_one_fact_are_stored_under_one_id() -> None:
    """The publisher stores both; the relay publishes both, as one fact."""
    with ServiceHarness(till) as harness:
        sales.put(Sale(item="cup"), emit=[one_fact(V1, V3), V3])
        stored = [CloudEvent.parse(item["envelope"]["S"]) for item in harness._outbox()]
        assert [envelope.type for envelope in stored] == [
            "till.sold.v1",
            "till.sold.v3",
            "till.sold.v3",
        ]
        assert stored[0].id == stored[1].id
        assert stored[2].id != stored[1].id
        assert harness.emitted() == [V1, V3, V3]
        assert harness.relay()
        assert harness.emitted() == []


def manifest(
    name: str, *, publishes: tuple[str, ...] = (), hears: tuple[str, ...] = ()
) -> Manifest:
    """A service with one function that hears events."""
    function = Function(
        name="on-sold",
        trigger="event",
        handler="x.y",
        timeout_seconds=1,
        memory_mb=128,
    )
    return Manifest(
        service=name,
        entry="x:y",
        publishes=publishes,
        subscriptions=tuple(Subscription(function="on-sold", event=event) for event in hears),
        functions=(function,),
    )


@pytest.mark.parametrize(
    "published", [("till.sold.v1",), ("till.sold.v2",), ("till.sold.v1", "till.sold.v2")]
)
def test_a_publisher_may_go_forward_and_back(published: tuple[str, ...]) -> None:
    """One published version of those that a subscriber accepts is enough."""
    subscriber = manifest("audit", hears=("till.sold.v1", "till.sold.v2"))
    graph = check([manifest("till", publishes=published), subscriber])
    assert {graph.publisher_of(f"till.sold.v{number}") for number in (1, 2)} == {"till"}


@pytest.mark.parametrize("published", [(), ("till.sold.v3",), ("till.sold_out.v1",)])
def test_a_subscriber_that_would_hear_nothing_is_named(published: tuple[str, ...]) -> None:
    """A publisher that only has versions which the subscriber does not accept is an error."""
    subscriber = manifest("audit", hears=("till.sold.v1", "till.sold.v2"))
    with pytest.raises(UnknownEvent):
        check([manifest("till", publishes=published), subscriber])


class OtherV2(Event, version=2, service="till"):
    """Another event."""


class SoldV4(Event, version=4, subject="item", service="till"):
    """A version that nothing leads to."""

    item: str


@pytest.mark.parametrize(
    ("old", "to", "words"),
    [
        (SoldV1, OtherV2, "no versions of one message"),
        (CountV1, SoldV2, "no versions of one message"),
        (SoldV2, SoldV1, "goes forward"),
        (Sold, Sold, "goes forward"),
        (SoldV2, SoldV4, r"leads to v3, not to till\.sold\.v4"),
        (SoldV1, SoldV2, "two upcasters"),
    ],
)
def test_wrong_upcasters_are_named(old: type[Message], to: type[Message], words: str) -> None:
    """Gaps, cycles, strangers and rivals are refused where they are declared."""
    with pytest.raises(DeclarationError, match=words):
        upcast(old, to=to)(lambda message: message)


def test_a_name_that_ends_with_another_version_is_refused() -> None:
    """The class's name cannot contradict its version."""
    with pytest.raises(DeclarationError, match="another version than version=3"):
        type("SoldV2", (Event,), {}, version=3, service="till")
    assert message_type(SoldV1).wire_name == "till.sold.v1"


def test_two_handlers_of_one_event_are_refused_whatever_their_version() -> None:
    """A fact told in two versions would otherwise be handled twice."""
    service = Service("twice")
    service.reacts_to(SoldV1)(lambda event: None)
    with pytest.raises(DeclarationError, match="'on-sold' twice"):
        service.reacts_to(Sold)(lambda event: None)
    other = Service("audit")
    other.performs(CountV1)(lambda task: None)
    with pytest.raises(DeclarationError, match=r"'audit\.count\.v1' twice"):
        other.performs(Count)(lambda task: None)


def test_one_fact_has_one_event_and_each_version_once() -> None:
    """What is no fact in several versions is refused."""
    with pytest.raises(DeclarationError, match="not versions of one event"):
        one_fact(V1, OtherV2())
    with pytest.raises(DeclarationError, match="each version once"):
        one_fact(V1, V1)


def test_every_version_that_is_emitted_is_declared() -> None:
    """`uses` names both versions, so that the manifest says that both are published."""
    assert till.manifest().publishes == ("till.sold.v1", "till.sold.v3")
    problems: list[Exception] = []

    @till.reacts_to(OtherV2, uses=[sales.write, Sold])
    def on_other(event: OtherV2) -> None:
        try:
            sales.put(Sale(item="bowl"), emit=[one_fact(V1, V3)])
        except UndeclaredUse as error:
            problems.append(error)

    with ServiceHarness(till) as harness:
        harness.deliver(OtherV2())
    del till.event_handlers["on-other"]
    assert [str(problem) for problem in problems] == [
        "handler 'on_other' uses till.sold.v1, which its `uses` does not name"
    ]
