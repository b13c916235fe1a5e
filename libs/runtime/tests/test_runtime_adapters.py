"""E-mail, and what every adapter is stopped from; and the Lambda handlers over all of it."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from shop_contract import Remind
from shop_service import api_key, greeting, mailer

from trunkline import entrypoints
from trunkline.aws import clients
from trunkline.errors import (
    DeclarationError,
    Rejected,
    UndeclaredUse,
)
from trunkline.invocation import Invocation, running
from trunkline.testing import ServiceHarness
from trunkline.testing.deadline import far_away
from trunkline.testing.events import api_event, queue_record
from trunkline.testing.harness import Caller

SAMPLE = str(Path(__file__).parent / "sample")


def test_undeclared_settings_secrets_and_mailers_are_stopped(shop: ServiceHarness) -> None:
    """A handler gets only what it names."""
    with running(Invocation("shop", "api", "h", far_away())):
        with pytest.raises(UndeclaredUse, match="setting greeting"):
            greeting.value()
        with pytest.raises(UndeclaredUse, match="secret api-key"):
            api_key.value()
        with pytest.raises(UndeclaredUse, match=r"email shop@example\.com"):
            mailer.send(to="a@example.com", subject="s", text="t")


def test_email_reaches_ses(shop: ServiceHarness) -> None:
    """A task that sends an e-mail hands it to SES with its parts."""
    assert shop.deliver(Remind(order_id="1", to="a@example.com"))
    mailer.send(to="b@example.com", subject="s", text="t", html="<p>t</p>")
    first, second = shop.emails()
    assert (first.sender, first.to) == ("shop@example.com", "a@example.com")
    assert (first.subject, first.body) == ("Your order", "Hello, 1")
    assert second.body == "<p>t</p>"


def test_email_that_ses_refuses_is_no_use_trying_again(shop: ServiceHarness) -> None:
    """A sender that SES does not know is refused for good."""
    clients.client("sesv2").delete_email_identity(EmailIdentity="shop@example.com")
    with pytest.raises(Rejected):
        mailer.send(to="a@example.com", subject="s", text="t")


class Context:
    """Lambda's context object, as far as the runtime uses it."""

    def get_remaining_time_in_millis(self) -> int:
        """What is left."""
        return 10_000


def test_lambda_handlers_find_the_service(
    shop: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each entry point loads the service that the platform names, and serves its trigger."""
    monkeypatch.setenv("TRUNKLINE_ENTRY", "shop_service:service")
    monkeypatch.setenv("TRUNKLINE_FUNCTION", "on-payment-seen")
    entrypoints.program.cache_clear()
    event = api_event("GET", "/orders/x", caller=Caller.service("shop"))
    assert entrypoints.api(event, Context())["statusCode"] == 404
    nothing = {"batchItemFailures": []}
    assert entrypoints.event({"Records": []}, Context()) == nothing
    assert entrypoints.tasks({"Records": []}, Context()) == nothing
    assert entrypoints.relay({"Records": []}, Context()) == nothing
    record = queue_record("{}")
    os.environ["TRUNKLINE_DEAD_LETTER_QUEUE"] = "nowhere"
    answer = entrypoints.event({"Records": [record]}, Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}
    entrypoints.program.cache_clear()


def test_unknown_function_is_named(shop: ServiceHarness) -> None:
    """A function that the service does not have is a wrong deployment, and said so."""
    with pytest.raises(DeclarationError, match="no function 'nope'"):
        shop.program.consumer("nope")
    for function in ("api", "relay", "tasks", None):
        shop.program.warm(function)


def imported(statement: str, **variables: str) -> set[str]:
    """The modules that a fresh process holds after one statement."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": SAMPLE, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stdout))


HEAVY = {
    "boto3",
    "botocore",
    "opentelemetry",
    "urllib3",
    "moto",
    "requests",
    "aws_lambda_powertools",
}


@pytest.mark.parametrize(
    "statement", ["import trunkline", "import trunkline.manifest", "import shop_service"]
)
def test_declarations_import_nothing_heavy(statement: str) -> None:
    """Who reads a declaration or a manifest pays for pydantic only, and needs no environment."""
    assert imported(statement) & HEAVY == set()


def test_entry_point_imports_no_test_kit() -> None:
    """A function never loads what only tests need."""
    modules = imported(
        "import trunkline.entrypoints",
        TRUNKLINE_ENTRY="shop_service:service",
        TRUNKLINE_FUNCTION="api",
    )
    forbidden = {
        *("moto", "requests", "pytest", "trunkline.testing", "aws_lambda_powertools"),
        *("boto3", "botocore", "urllib3"),  # DynamoDB is spoken to directly
    }
    assert modules & forbidden == set()
    assert "trunkline.declaration.manifest_of" not in modules


def test_only_adapters_know_boto3() -> None:
    """boto3 and botocore are imported in modules called aws.py, in the folder aws, and nowhere."""
    source = Path(entrypoints.__file__).parent
    guilty = {
        str(path.relative_to(source))
        for path in source.rglob("*.py")
        if path.name != "aws.py" and path.parent.name != "aws"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None), *(alias.name for alias in node.names)]
        if name is not None and name.split(".")[0] in ("boto3", "botocore")
    }
    assert guilty == set()


def test_every_module_imports_without_environment() -> None:
    """Importing any module needs neither variables nor network."""
    source = Path(entrypoints.__file__).parent
    names = sorted(
        ".".join(("trunkline", *path.relative_to(source).with_suffix("").parts))
        for path in source.rglob("*.py")
        if path.name != "__init__.py"
    )
    loaded = imported("\n".join(f"import {name}" for name in names))
    assert set(names) <= loaded
