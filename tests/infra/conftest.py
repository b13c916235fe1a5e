"""The synthesised Terraform of the real services and of a sample platform, made once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from trunkline.manifest import (
    Api,
    CallNeed,
    EgressNeed,
    EmailNeed,
    EncryptNeed,
    Function,
    Manifest,
    PayloadNeed,
    PublishNeed,
    RotateNeed,
    Route,
    Secret,
    SecretNeed,
    SendNeed,
    Setting,
    SettingNeed,
    Subscription,
    Table,
    TableNeed,
    load_all,
)
from trunkline_platform.environments import load_environment
from trunkline_platform.node import put_node_on_path
from trunkline_platform.settings import EnvironmentSettings

put_node_on_path()
from trunkline_platform.app import synthesize  # noqa: E402 - importing cdktn starts Node

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Root:
    """One root's Terraform JSON."""

    name: str
    text: str

    @property
    def json(self) -> dict[str, Any]:
        """The whole document."""
        return dict(json.loads(self.text))

    def all(self, kind: str) -> dict[str, dict[str, Any]]:
        """The resources of a kind by their Terraform names."""
        return dict(self.json.get("resource", {}).get(kind, {}))

    def one(self, kind: str, **attributes: str) -> dict[str, Any]:
        """The only resource of a kind with these attributes."""
        (found,) = (
            resource
            for resource in self.all(kind).values()
            if all(resource.get(name) == value for name, value in attributes.items())
        )
        return found

    def kinds(self) -> set[str]:
        """The kinds of all resources."""
        return set(self.json.get("resource", {}))

    def statements(self, function: str) -> list[dict[str, Any]]:
        """What the role of a function may do."""
        policy = self.all("aws_iam_role_policy")[f"{function}_role_policy"]
        return list(json.loads(policy["policy"])["Statement"])

    def variables(self, function: str) -> dict[str, str]:
        """A function's environment variables."""
        return dict(self.all("aws_lambda_function")[function]["environment"]["variables"])


Synthesis = dict[str, Root]


def _synthesize(settings: EnvironmentSettings, manifests: tuple[Manifest, ...]) -> Synthesis:
    texts = synthesize(settings, manifests)
    return {name: Root(name, text) for name, text in texts.items()}


@pytest.fixture(scope="session")
def repository() -> Path:
    """The clone."""
    return REPOSITORY


@pytest.fixture(scope="session")
def manifests() -> tuple[Manifest, ...]:
    """The real services."""
    return load_all(REPOSITORY / "services")


@pytest.fixture(scope="session")
def make() -> Callable[[EnvironmentSettings, tuple[Manifest, ...]], Synthesis]:
    """Synthesises any manifests."""
    return _synthesize


@pytest.fixture(scope="session")
def shop(manifests: tuple[Manifest, ...]) -> dict[str, Synthesis]:
    """The real services in every environment: ``shop["local"]["orders"]``."""
    return {name: _synthesize(load_environment(name), manifests) for name in ("local", "dev")}


@pytest.fixture(scope="session", params=("local", "dev"))
def environment(request: pytest.FixtureRequest) -> str:
    """Each environment's name."""
    return str(request.param)


@pytest.fixture(scope="session")
def roots(shop: dict[str, Synthesis], environment: str) -> Synthesis:
    """The real services' roots in each environment."""
    return shop[environment]


@pytest.fixture(scope="session")
def sample_manifests() -> tuple[Manifest, ...]:
    """A service with one function per need, and the service that it deals with."""
    return (_sample(), _other())


@pytest.fixture(scope="session")
def sample(sample_manifests: tuple[Manifest, ...]) -> Synthesis:
    """The sample platform, in ``dev``."""
    return _synthesize(load_environment("dev"), sample_manifests)


def _function(name: str, trigger: str, **fields: Any) -> Function:
    defaults = {"handler": f"trunkline.entrypoints.{trigger}", "timeout_seconds": 10}
    return Function.model_validate(
        {"name": name, "trigger": trigger, "memory_mb": 256, **defaults, **fields}
    )


def _sample() -> Manifest:
    needs = {
        "none": (),
        "reader": (TableNeed(table="things", access="read"),),
        "writer": (TableNeed(table="things", access="write"),),
        "appender": (TableNeed(table="outbox", access="write"),),
        "decrypter": (EncryptNeed(table="things", access="read"),),
        "encrypter": (EncryptNeed(table="things", access="write"),),
        "tuned": (SettingNeed(setting="speed"),),
        "keeper": (SecretNeed(secret="token"),),
        "caller": (
            CallNeed(service="other", route="get_thing", method="GET", path="/things/{id}"),
        ),
        "putter": (PayloadNeed(message="other.see_thing.v1", access="write"),),
        "getter": (PayloadNeed(message="other.thing_seen.v1", access="read"),),
        "mailer": (EmailNeed(sender="shop@example.com"),),
        "outbound": (EgressNeed(host="api.example.com"),),
    }
    relay_needs = (
        PublishNeed(),
        SendNeed(service="other"),
        TableNeed(table="outbox", access="read"),
        TableNeed(table="outbox", access="write"),
    )
    rotation = _function("rotate-token", "rotation", needs=(RotateNeed(secret="token"),))
    return Manifest(
        service="sample",
        entry="sample.service:service",
        publishes=("sample.thing_made.v1",),
        subscriptions=(Subscription(function="on-thing-seen", event="other.thing_seen.v1"),),
        tables=(
            Table(name="things", partition_key="id", sort_key="at", ttl_attribute="expires_at"),
            Table(name="outbox", partition_key="lane", sort_key="place", stream=True),
        ),
        settings=(
            Setting(name="colour", description="Which", default="red"),
            Setting(name="address", description="Where"),
            Setting(name="speed", description="How fast", default="5", live=True),
        ),
        secrets=(Secret(name="token", description="Of the other side", rotation="rate(30 days)"),),
        functions=(
            *(_function(name, "api", needs=need) for name, need in needs.items()),
            _function("relay", "relay", needs=relay_needs),
            rotation,
            _function("on-thing-seen", "event", max_receives=3, settings=("colour", "address")),
        ),
    )


def _other() -> Manifest:
    routes = (
        Route(name="get_thing", method="GET", path="/things/{id}", kind="query"),
        Route(name="make_thing", method="POST", path="/things", kind="command"),
    )
    return Manifest(
        service="other",
        entry="other.service:service",
        api=Api(version=1, exposure="private", routes=routes),
        publishes=("other.thing_seen.v1",),
        accepts=("other.see_thing.v1",),
        functions=(_function("api", "api"), _function("tasks", "tasks")),
    )
