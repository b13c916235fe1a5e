"""Who may call a route: rules, their combinations, and ownership that fails closed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shop_contract import ShopApi

from trunkline import Api, Caller, Event, Model, Service, command, query
from trunkline.errors import Conflict, DeclarationError, Forbidden, NotFound, OwnershipUnchecked
from trunkline.rules import Rule, Verdict, any_service, group, owner, scope, services, signed_in
from trunkline.testing import ServiceHarness
from trunkline.testing.deadline import far_away
from trunkline.testing.events import api_event

NO, OWN, YES = Verdict.DENIED, Verdict.IF_OWNED, Verdict.ALLOWED
ANN = Caller.customer("ann")
BOB = Caller.customer("bob")
HELPER = Caller.customer("eve", groups={"support"})
READING_HELPER = Caller.customer("eve", groups={"support"}, scopes={"notes/read"})
WRITER = Caller.customer("ann", scopes={"notes/write", "notes/read"})
STOREFRONT = Caller.service("storefront")
STRANGER = Caller.service("ann")
CALLERS = (ANN, HELPER, WRITER, STOREFRONT, STRANGER)


@pytest.mark.parametrize(
    ("rule", "verdicts"),
    [
        (signed_in, (YES, YES, YES, NO, NO)),
        (owner, (OWN, OWN, OWN, NO, NO)),
        (any_service, (NO, NO, NO, YES, YES)),
        (services("storefront"), (NO, NO, NO, YES, NO)),
        (services("storefront", "ann"), (NO, NO, NO, YES, YES)),
        (group("support"), (NO, YES, NO, NO, NO)),
        (group("ann"), (NO, NO, NO, NO, NO)),
        (scope("notes/write"), (NO, NO, YES, NO, NO)),
        (scope("notes"), (NO, NO, NO, NO, NO)),
        (owner | group("support"), (OWN, YES, OWN, NO, NO)),
        (owner & scope("notes/read"), (NO, NO, OWN, NO, NO)),
        (signed_in & group("support"), (NO, YES, NO, NO, NO)),
        (group("support") | scope("notes/read") & owner, (NO, YES, OWN, NO, NO)),
        ((group("support") | owner) & scope("notes/read"), (NO, NO, OWN, NO, NO)),
        (signed_in | services("storefront"), (YES, YES, YES, YES, NO)),
    ],
    ids=repr,
)
def test_rules_judge_callers(rule: Rule, verdicts: tuple[Verdict, ...]) -> None:
    """Each rule admits whom it names and nobody else; a name of the other kind is no match."""
    assert tuple(rule.judge(caller) for caller in CALLERS) == verdicts


RULES = st.recursive(
    st.sampled_from([signed_in, owner, group("support"), scope("notes/read"), services("ann")]),
    lambda rules: st.builds(Rule.__or__, rules, rules) | st.builds(Rule.__and__, rules, rules),
    max_leaves=6,
)


@given(RULES, RULES, st.sampled_from(CALLERS))
def test_or_never_takes_and_and_never_gives(first: Rule, second: Rule, caller: Caller) -> None:
    """Either rule's admission is kept by `|`; `&` admits nobody whom one of both denies."""
    judged = first.judge(caller), second.judge(caller)
    assert (first | second).judge(caller) == max(judged)
    assert (first & second).judge(caller) == min(judged)


@given(RULES)
def test_a_rule_is_written_as_it_is_read(rule: Rule) -> None:
    """A rule's text is Python that makes the same rule."""
    names: dict[str, object] = {"signed_in": signed_in, "owner": owner}
    names |= {"group": group, "scope": scope, "services": services}
    again = eval(repr(rule), names)  # noqa: S307  # the rules above, and nothing else
    assert repr(again) == repr(rule)
    assert [again.judge(caller) for caller in CALLERS] == [rule.judge(c) for c in CALLERS]


@given(RULES, st.sampled_from(CALLERS))
def test_ownership_is_asked_only_where_it_is_declared(rule: Rule, caller: Caller) -> None:
    """A rule without `owner` never makes anything depend on ownership."""
    if not rule.by_owner:
        assert rule.judge(caller) is not OWN


def test_who_is_denied_is_told_no_more() -> None:
    """403, without the rule that would have helped."""
    with pytest.raises(Forbidden) as refused:
        group("support").admit(ANN)
    assert "support" not in str(refused.value)
    assert group("support").admit(HELPER) is YES


@pytest.mark.parametrize("name", ["", "a,b"])
def test_groups_that_cannot_be_told_apart_are_refused(name: str) -> None:
    """API Gateway joins groups by commas, so a name with a comma would be two."""
    with pytest.raises(DeclarationError, match="is no group"):
        group(name)


@pytest.mark.parametrize("name", ["", "a b", 'a"', "a\\b", "ä", "a\n"])
def test_scopes_follow_their_grammar(name: str) -> None:
    """A scope is a token of RFC 6749."""
    with pytest.raises(DeclarationError, match="is no scope"):
        scope(name)


def test_services_names_somebody() -> None:
    """A rule that admits nobody is a mistake."""
    with pytest.raises(DeclarationError, match="admits nobody"):
        services()


@pytest.mark.parametrize(
    ("exposure", "allow", "words"),
    [
        ("public", None, "say which, for example allow=signed_in"),
        ("public", services("a"), "only a customer can call here"),
        ("public", signed_in | services("a"), "only a customer can call here"),
        ("public", owner | scope("a"), "every way in names a scope, or none does"),
        ("public", scope("a") & owner | group("b"), "every way in names a scope, or none does"),
        ("private", signed_in, "only a service can call here"),
        ("private", owner | services("a"), "only a service can call here"),
    ],
)
def test_rules_fit_the_exposure(exposure, allow: Rule | None, words: str) -> None:
    """A public route says whom it allows; nobody is allowed who cannot come this way."""
    service = Service("shop", exposure=exposure)
    with pytest.raises(DeclarationError, match=words):
        service.implements(ShopApi.get_order, allow=allow)(lambda order_id: None)


@given(RULES)
def test_a_rule_knows_whether_it_takes_a_scope(rule: Rule) -> None:
    """Who has no scope is admitted just where the rule says that it can be done without."""
    everybody = [Caller.customer("ann", groups={"support"}), Caller.service("ann")]
    assert not (rule.by_scope and any(rule.judge(caller) for caller in everybody))
    assert not rule.by_scope or rule.scopes == {"notes/read"}


class NoteTaken(Event, version=1, service="notes", subject="note_id"):
    """A note was taken over."""

    note_id: str


class Note(Model):
    """What the service stores."""

    note_id: str
    customer: str
    text: str


class NotesApi(Api, version=1, service="notes"):
    """Read and write notes, carefully or not."""

    @query("GET", "/notes/{note_id}")
    def read(self, note_id: str) -> str:
        """Read a note."""

    @query("GET", "/careless/{note_id}")
    def careless(self, note_id: str) -> str:
        """Read a note without asking whose it is."""

    @command("PUT", "/notes/{note_id}")
    def write(self, note_id: str, body: str) -> str:
        """Write a note."""

    @command("PUT", "/careless/{note_id}")
    def overwrite(self, note_id: str, body: str) -> str:
        """Write a note, and ask later."""

    @query("GET", "/mine")
    def mine(self) -> str:
        """Look at what is everybody's own."""

    @query("GET", "/reports")
    def report(self) -> str:
        """For the support and machines with the scope."""


notes_service = Service("notes", exposure="public", entry="nowhere:service")
notes = notes_service.table("notes", Note, key="note_id")


@dataclass
class Switch:
    """What the handlers are made to do."""

    error: Exception | None = None
    claimed: list[Caller] = field(default_factory=list)


switch = Switch()


def _load(note_id: str) -> Note:
    note = notes.get(note_id)
    if note is None:
        raise NotFound(f"there is no note {note_id}")
    return note


@notes_service.implements(
    NotesApi.read,
    allow=(owner | group("support")) & scope("notes/read"),
    uses=[notes.read],
)
def read(note_id: str, caller: Caller) -> str:
    """Ask, then answer."""
    note = _load(note_id)
    caller.must_own(note.customer)
    if switch.error is not None:
        raise switch.error
    return note.text


@notes_service.implements(NotesApi.careless, allow=owner, uses=[notes.read])
def careless(note_id: str) -> str:
    """Answer without asking, or as somebody else."""
    note = _load(note_id)
    for caller in switch.claimed:
        caller.must_own(note.customer)
    return note.text


@notes_service.implements(NotesApi.write, allow=owner, uses=[notes.read, notes.write, NoteTaken])
def write(note_id: str, body: str, caller: Caller) -> str:
    """Ask, then act."""
    note = _load(note_id)
    caller.must_own(note.customer)
    notes.put(note.model_copy(update={"text": body}), emit=[NoteTaken(note_id=note_id)])
    return body


@notes_service.implements(NotesApi.overwrite, allow=owner, uses=[notes.read, notes.write])
def overwrite(note_id: str, body: str, caller: Caller) -> str:
    """Act, then ask."""
    note = _load(note_id)
    notes.put(note.model_copy(update={"text": body}))
    caller.must_own(note.customer)
    return body


@notes_service.implements(NotesApi.mine, allow=signed_in)
def mine(caller: Caller) -> str:
    """Ask where nobody has to."""
    caller.must_own("ann")
    return "ann's"


@notes_service.implements(NotesApi.report, allow=group("support") & scope("reports"))
def report() -> str:
    """Never look at the caller."""
    return "fine"


READER = Caller.customer("ann", scopes={"notes/read"})


@pytest.fixture
def running_notes() -> Iterator[ServiceHarness]:
    """The service, with one note of Ann's."""
    switch.error = None
    switch.claimed = []
    with ServiceHarness(notes_service) as harness:
        notes.put(Note(note_id="n-1", customer="ann", text="hers"))
        yield harness


def test_the_owner_is_served(running_notes: ServiceHarness) -> None:
    """Whoever owns the thing reads and changes it."""
    assert running_notes.call("GET", "/notes/n-1", caller=READER).json == "hers"
    assert running_notes.call("PUT", "/notes/n-1", '"new"', caller=ANN).json == "new"
    assert running_notes.emitted() == [NoteTaken(note_id="n-1")]


def test_another_rule_admits_without_owning(running_notes: ServiceHarness) -> None:
    """The support reads everybody's, and learns what does not exist."""
    assert running_notes.call("GET", "/notes/n-1", caller=READING_HELPER).json == "hers"
    missing = running_notes.call("GET", "/notes/n-2", caller=READING_HELPER)
    assert missing.json["detail"] == "there is no note n-2"


@pytest.mark.parametrize(("method", "path"), [("GET", "/careless"), ("PUT", "/notes")])
def test_others_things_do_not_exist(running_notes: ServiceHarness, method: str, path: str) -> None:
    """Another's thing and no thing give the same answer, whatever words the handler has."""
    switch.claimed = [BOB]
    body = '"x"' if method == "PUT" else None
    others = running_notes.call(method, f"{path}/n-1", body, caller=BOB)
    nobodys = running_notes.call(method, f"{path}/n-2", body, caller=BOB)
    assert others.status == nobodys.status == 404
    differing = {"instance", "trace_id"}
    assert {k: v for k, v in others.json.items() if k not in differing} == {
        k: v for k, v in nobodys.json.items() if k not in differing
    }
    stored = notes.get("n-1")
    assert stored is not None
    assert stored.text == "hers"
    assert running_notes.emitted() == []


def test_words_are_kept_once_ownership_is_shown(running_notes: ServiceHarness) -> None:
    """What is missing inside one's own thing may be named."""
    switch.error = NotFound("page 3 is missing")
    answer = running_notes.call("GET", "/notes/n-1", caller=READER)
    assert (answer.status, answer.json["detail"]) == (404, "page 3 is missing")
    switch.error = Conflict("not now")
    assert running_notes.call("GET", "/notes/n-1", caller=READER).status == 409


def test_an_answer_without_asking_is_withheld(running_notes: ServiceHarness) -> None:
    """A handler that never asks answers nobody, not even the owner: 500 without the content."""
    for caller in (ANN, BOB):
        answer = running_notes.call("GET", "/careless/n-1", caller=caller)
        assert answer.status == 500
        assert "hers" not in answer.text


def test_asking_for_somebody_else_shows_nothing(running_notes: ServiceHarness) -> None:
    """Only the request's own caller counts, not one that the handler makes up."""
    switch.claimed = [Caller.customer("ann")]
    assert running_notes.call("GET", "/careless/n-1", caller=BOB).status == 500


def test_nothing_happens_before_asking(running_notes: ServiceHarness) -> None:
    """A write before the question is refused, and nothing is written, not even for the owner."""
    for caller in (ANN, BOB):
        assert running_notes.call("PUT", "/careless/n-1", '"gone"', caller=caller).status == 500
    stored = notes.get("n-1")
    assert stored is not None
    assert stored.text == "hers"


def test_asking_works_without_a_rule(running_notes: ServiceHarness) -> None:
    """`must_own` may be used anywhere: it compares, strictly."""
    assert running_notes.call("GET", "/mine", caller=ANN).status == 200
    assert running_notes.call("GET", "/mine", caller=BOB).status == 404
    ANN.must_own("ann")
    for caller in (BOB, STRANGER):
        with pytest.raises(NotFound):
            caller.must_own("ann")


def test_the_errors_facts() -> None:
    """Whoever reads the log sees which handler forgot, and what it did."""
    error = OwnershipUnchecked("careless", "answers")
    assert (error.handler, error.what) == ("careless", "answers")
    assert "must_own" in str(error)


@pytest.mark.parametrize(
    ("groups", "scopes", "status"),
    [
        (["support"], ["reports"], 200),
        (["other", "support"], ["a", "reports"], 200),
        (["support"], [], 403),
        ([], ["reports"], 403),
        (["suppor", "support2"], ["report", "reports2"], 403),
    ],
)
def test_groups_and_scopes_come_from_the_token(
    running_notes: ServiceHarness, groups: list[str], scopes: list[str], status: int
) -> None:
    """API Gateway's joined claims are parted again, and a part of a name is no name."""
    caller = Caller.customer("ann", groups=groups, scopes=scopes)
    assert running_notes.call("GET", "/reports", caller=caller).status == status


@pytest.mark.parametrize("claim", [None, "", ",", ["support"], {"support": 1}, True, 1])
def test_odd_claims_are_no_groups(running_notes: ServiceHarness, claim: object) -> None:
    """Groups of another form than API Gateway's are none."""
    event = api_event("GET", "/reports", caller=Caller.customer("ann", scopes={"reports"}))
    event["requestContext"]["authorizer"]["claims"]["cognito:groups"] = claim
    assert running_notes.program.api.handle(event, far_away())["statusCode"] == 403


def test_who_may_not_call_learns_nothing_of_the_request(running_notes: ServiceHarness) -> None:
    """403 comes before validation: a stranger does not learn what a good request looks like."""
    answer = running_notes.call("GET", "/reports", query={"nonsense": "1"}, caller=ANN)
    assert answer.status == 403


def test_the_gateway_learns_a_routes_scopes() -> None:
    """The manifest names the scopes by which API Gateway takes access tokens, and else none."""
    api = notes_service.manifest().api
    assert api is not None
    scopes = {route.name: route.scopes for route in api.routes if route.scopes}
    assert scopes == {"read": ("notes/read",), "report": ("reports",)}
