"""Settings and secrets: typed, lazy, cached, and silent about what they hold."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, SecretStr
from shop_service import api_key, greeting

from trunkline import Model, Service
from trunkline.aws import clients
from trunkline.errors import (
    DeclarationError,
    EnvironmentIncomplete,
    InvalidSecret,
    InvalidSetting,
    Unavailable,
)
from trunkline.settings import Setting
from trunkline.settings.secret import TTL_SECONDS
from trunkline.settings.setting import LIVE_TTL_SECONDS, RETRY_SECONDS
from trunkline.settings.typed import Text
from trunkline.testing import ServiceHarness


class Colour(StrEnum):
    """An enum."""

    RED = "red"
    GREEN = "green"


class Login(Model):
    """A JSON secret."""

    username: str
    password: SecretStr


class Limits(Model):
    """A JSON setting."""

    daily: int
    single: int = Field(ge=1)


service = Service("desk", entry="nowhere:service")
most = service.setting(
    "most", type=Annotated[int, Field(ge=1, le=9)], description="How many", default=3, live=True
)
login = service.secret("login", type=Login, description="For the desk's archive")


class Refused(Exception):
    """The archive knows no such password."""


@pytest.fixture
def desk() -> Iterator[ServiceHarness]:
    """A service with a live setting and a JSON secret."""
    if not service.task_handlers:
        from shop_contract import Remind

        # The declaration is the test's own, so the task's owner is of no importance here.
        service.name = "shop"
        service.performs(Remind, uses=[most, login])(lambda task: None)
        service.name = "desk"
    with ServiceHarness(service) as harness:
        yield harness


# Settings


def test_setting_comes_from_the_environment_else_its_default(shop: ServiceHarness) -> None:
    """The platform's value counts, then the declared default; with neither there is an error."""
    assert greeting.value() == "Hello"
    shop.set_setting("greeting", "Bonjour")
    assert greeting.value() == "Bonjour"
    with pytest.raises(EnvironmentIncomplete, match="TRUNKLINE_SETTING_OTHER"):
        Setting("other", "nothing").value()


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        pytest.param(bool, "true", True, id="bool"),
        pytest.param(int, "20", 20, id="int"),
        pytest.param(float, "0.5", 0.5, id="float"),
        pytest.param(str, "007", "007", id="str"),
        pytest.param(Colour, "green", Colour.GREEN, id="enum"),
        pytest.param(int | None, "7", 7, id="optional"),
        pytest.param(list[int], "[1, 2]", [1, 2], id="list"),
        pytest.param(Annotated[dict[str, int], Field()], '{"a": 1}', {"a": 1}, id="mapping"),
        pytest.param(Limits, '{"daily":5,"single":2}', Limits(daily=5, single=2), id="model"),
    ],
)
def test_a_text_becomes_a_value(
    monkeypatch: pytest.MonkeyPatch, kind: Any, text: str, value: Any
) -> None:
    """Scalars are written plainly, everything else is JSON."""
    monkeypatch.setenv("TRUNKLINE_SETTING_MOST", text)
    found = Setting("most", "How many", kind).value()
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("kind", "text", "allowed"),
    [
        pytest.param(int, "many", "valid integer", id="no number"),
        pytest.param(Annotated[int, Field(le=9)], "10", "less than or equal to 9", id="too much"),
        pytest.param(Colour, "blue", "'red' or 'green'", id="no such choice"),
        pytest.param(Limits, '{"daily": 1, "single": 0}', "single: Input should", id="a field"),
        pytest.param(Limits, "5", "should be an object", id="no object"),
        pytest.param(bool, "", "valid boolean", id="empty"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, kind: Any, text: str, allowed: str
) -> None:
    """Nothing happens before the first use; then the error names setting, value and rule."""
    monkeypatch.setenv("TRUNKLINE_SETTING_MOST", text)
    setting = Setting("most", "How many", kind)
    with pytest.raises(InvalidSetting) as caught:
        setting.value()
    assert (caught.value.setting, caught.value.seen) == ("most", text)
    assert "setting 'most'" in str(caught.value)
    assert allowed in "; ".join(caught.value.problems)


@given(st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()))
def test_a_default_survives_the_manifest(value: Any) -> None:
    """What the manifest holds as text is read as the declared default."""
    text = Text[Any](type(value))
    assert text.read(text.write(value)) == value


@pytest.mark.parametrize(
    "declare",
    [
        pytest.param(
            lambda s: s.setting("a", type=int, default="x", description="d"), id="wrong type"
        ),
        pytest.param(
            lambda s: s.setting("a", type=Annotated[int, Field(ge=1)], default=0, description="d"),
            id="out of bounds",
        ),
    ],
)
def test_a_default_that_does_not_fit_is_refused(declare: Any) -> None:
    """It is found when the manifest is made, before anything is deployed."""
    with pytest.raises(DeclarationError, match="a default does not fit: setting 'a'"):
        declare(Service("x", entry="x:x")).default_text()


def test_a_live_setting_begins_with_a_default() -> None:
    """Without one the parameter would have no value."""
    with pytest.raises(DeclarationError, match="'a' needs a default"):
        Service("x", entry="x:x").setting("a", description="d", live=True)


def test_a_live_setting_follows_operators(desk: ServiceHarness) -> None:
    """A new value counts when the cached one has had its time."""
    assert most.value() == 3
    desk.set_setting("most", "5")
    assert most.value() == 3
    desk.advance(LIVE_TTL_SECONDS)
    assert most.value() == 5


@pytest.mark.parametrize("trouble", ["nonsense", "out of bounds", "gone"])
def test_a_live_setting_keeps_its_last_good_value(
    desk: ServiceHarness, caplog: pytest.LogCaptureFixture, trouble: str
) -> None:
    """A slip of an operator, or Parameter Store's, is logged and does no harm; mended, it works."""
    desk.set_setting("most", "5")
    assert most.value() == 5
    if trouble == "gone":
        clients.client("ssm").delete_parameter(Name="/trunkline/test/services/desk/settings/most")
    else:
        desk.set_setting("most", {"nonsense": "lots", "out of bounds": "10"}[trouble])
    desk.advance(LIVE_TTL_SECONDS)
    with caplog.at_level(logging.ERROR):
        assert most.value() == 5
        assert most.value() == 5
    assert len(caplog.records) == 1, "asked again before its time"
    desk.set_setting("most", "6")
    desk.advance(RETRY_SECONDS)
    assert most.value() == 6


def test_a_live_setting_without_any_good_value_is_an_error(desk: ServiceHarness) -> None:
    """The default is no answer then: an operator may have had a reason for another."""
    desk.set_setting("most", "lots")
    with pytest.raises(InvalidSetting):
        most.value()
    clients.client("ssm").delete_parameter(Name="/trunkline/test/services/desk/settings/most")
    with pytest.raises(Unavailable):
        most.value()


# Secrets


def test_secret_is_fetched_once_and_again_after_its_time(shop: ServiceHarness) -> None:
    """A value is kept for a while, then looked up anew."""
    shop.set_secret("api-key", "one")
    assert api_key.value() == SecretStr("one")
    shop.set_secret("api-key", "two")
    assert api_key.value() == SecretStr("one")
    shop.advance(TTL_SECONDS)
    assert api_key.value() == SecretStr("two")


def test_missing_secret_is_unavailable(shop: ServiceHarness) -> None:
    """A secret without a value may get one: trying again is right."""
    clients.client("secretsmanager").delete_secret(
        SecretId="trunkline/test/shop/api-key", ForceDeleteWithoutRecovery=True
    )
    with pytest.raises(Unavailable) as caught:
        api_key.value()
    assert caught.value.retryable


def test_a_json_secret_is_a_model(desk: ServiceHarness) -> None:
    """Its fields are typed, and it is stored as it is read."""
    desk.set_secret("login", '{"username": "ann", "password": "hunter2"}')
    value = login.value()
    assert value == Login(username="ann", password=SecretStr("hunter2"))
    assert json.loads(login.stored(value)) == {"username": "ann", "password": "hunter2"}


def test_no_value_is_shown(desk: ServiceHarness, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the secret, nor its value, nor a log line, nor an error tells it."""
    desk.set_secret("login", '{"username": "ann", "password": "hunter2"}')
    value = login.value()
    logging.getLogger("test").error("%s %r %s", login, value, value.model_dump_json())
    desk.set_secret("login", '{"username": "ann", "passwort": "hunter2"}')
    with pytest.raises(InvalidSecret) as caught:
        login.refresh()
    assert caught.value.problems == ("password: Field required",)
    shown = [caplog.text, repr(login), str(caught.value), repr(caught.value.__cause__)]
    assert not [text for text in shown if "hunter2" in text]


@pytest.mark.parametrize("kind", [str, dict[str, str], Limits])
def test_a_type_that_would_show_itself_is_refused(kind: Any) -> None:
    """Plain strings, mappings, and models without a masked field are no types of secrets."""
    with pytest.raises(DeclarationError, match="would show itself in logs"):
        Service("x", entry="x:x").secret("a", type=kind, description="d")


class Archive:
    """Takes one key, and counts who asks."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.asked: list[str] = []

    def ask(self, key: SecretStr) -> str:
        """Answer, or refuse."""
        self.asked.append(key.get_secret_value())
        if key.get_secret_value() != self.key:
            raise Refused
        return "yes"


def test_a_rotated_secret_is_fetched_at_once(shop: ServiceHarness) -> None:
    """A refused value is replaced whatever its age, and the new one stays."""
    archive = Archive("new")
    shop.set_secret("api-key", "old")
    with pytest.raises(Refused):
        api_key.use(archive.ask, refused=Refused)
    shop.set_secret("api-key", "new")
    assert api_key.use(archive.ask, refused=Refused) == "yes"
    assert api_key.use(archive.ask, refused=Refused) == "yes"
    assert archive.asked == ["old", "old", "new", "new"]


def test_an_unchanged_secret_is_not_tried_again(shop: ServiceHarness) -> None:
    """If the stored value is the refused one, the refusal stands."""
    archive = Archive("new")
    shop.set_secret("api-key", "old")
    with pytest.raises(Refused):
        api_key.use(archive.ask, refused=Refused)
    assert archive.asked == ["old"]


def test_other_errors_do_not_refresh(shop: ServiceHarness) -> None:
    """Only a refusal suggests a rotation."""
    shop.set_secret("api-key", "old")
    with pytest.raises(ZeroDivisionError):
        api_key.use(lambda _: 1 / 0, refused=Refused)
    shop.set_secret("api-key", "new")
    assert api_key.value() == SecretStr("old")
