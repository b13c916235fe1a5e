"""Ways to act inside the running platform: as any function's role, and by injecting faults."""

from __future__ import annotations

import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

if TYPE_CHECKING:
    from tests.conftest import Shop

PROBE = Path(__file__).with_name("probe.py")


class Probe:
    """A function of the test's own that runs with another function's role and network."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def aws(self, service: str, operation: str, **parameters: Any) -> str:
        """Make an AWS call; the error code, or ``OK``."""
        answer = self._invoke(service=service, operation=operation, parameters=parameters)
        return str(answer["code"])

    def http(self, method: str, url: str, **options: Any) -> int:
        """Make a request to a private API; the status. See probe.py for the options."""
        return int(self._invoke(method=method, url=url, **options)["status"])

    def _invoke(self, **event: Any) -> dict[str, Any]:
        answer = self._client.invoke(FunctionName=self._name, Payload=json.dumps(event))
        payload: dict[str, Any] = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, payload
        return payload


@pytest.fixture(scope="module")
def probe(shop: Shop) -> Iterator[Callable[..., Probe]]:
    """Make a probe with the role of a service's function; ``vpc=False`` puts it outside the VPC."""
    functions = shop.client("lambda")
    made: dict[tuple[str, str, bool], str] = {}

    def make(service: str, function: str, *, vpc: bool = True) -> Probe:
        key = (service, function, vpc)
        if key not in made:
            original = functions.get_function_configuration(
                FunctionName=f"trunkline-local-{service}-{function}"
            )
            network = original["VpcConfig"] if vpc else {}
            name = f"probe-{service}-{function}-{'vpc' if vpc else 'outside'}"
            functions.create_function(
                FunctionName=name,
                Role=original["Role"],
                Runtime=original["Runtime"],
                Handler="probe.handler",
                Timeout=30,
                Code={"ZipFile": _with_probe(_bundle(shop, service))},
                VpcConfig={
                    "SubnetIds": network.get("SubnetIds", []),
                    "SecurityGroupIds": network.get("SecurityGroupIds", []),
                },
            )
            functions.get_waiter("function_active_v2").wait(FunctionName=name)
            made[key] = name
        return Probe(functions, made[key])

    yield make
    for name in made.values():
        functions.delete_function(FunctionName=name)


def _bundle(shop: Shop, service: str) -> bytes:
    """A service's bundle, which holds the AWS SDK that the probe needs."""
    storage = shop.client("s3")
    (bucket,) = (
        found["Name"] for found in storage.list_buckets()["Buckets"] if "artifacts" in found["Name"]
    )
    listed = storage.list_objects_v2(Bucket=bucket, Prefix=f"bundles/{service}/")["Contents"]
    newest = max(listed, key=lambda found: found["LastModified"])
    body: bytes = storage.get_object(Bucket=bucket, Key=newest["Key"])["Body"].read()
    return body


def _with_probe(bundle: bytes) -> bytes:
    archive = io.BytesIO(bundle)
    with zipfile.ZipFile(archive, "a") as added:
        added.write(PROBE, "probe.py")
    return archive.getvalue()


def _control(shop: Shop, method: str, path: str, body: Any = None) -> Any:
    """Call the local cloud's control API with the administrator's key."""
    status = shop.status
    request = AWSRequest(
        method=method,
        url=f"{status['endpoint']}/_localcloud/{path}",
        data=json.dumps(body) if body is not None else None,
        headers={"Content-Type": "application/json"},
    )
    keys = status["administrator"]
    credentials = Credentials(keys["access_key_id"], keys["secret_access_key"])
    SigV4Auth(credentials, "localcloud", status["region"]).add_auth(request)
    answer = urllib3.request(method, request.url, body=request.body, headers=dict(request.headers))
    assert answer.status < 300, answer.data
    return answer.json() if answer.data else None


@pytest.fixture(scope="session")
def control(shop: Shop) -> Callable[..., Any]:
    """Call the local cloud's control API: method, path below its prefix, content."""
    return lambda method, path, content=None: _control(shop, method, path, content)


@pytest.fixture(scope="session")
def bundle(shop: Shop) -> Callable[[str], bytes]:
    """The package that a service's functions run."""
    return lambda service: _bundle(shop, service)


class Faults:
    """The local cloud's fault injector."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    @contextmanager
    def injected(self, *rules: dict[str, Any]) -> Iterator[Faults]:
        """Put rules in force for the length of a block."""
        _control(self._shop, "PUT", "faults", list(rules))
        try:
            yield self
        finally:
            _control(self._shop, "DELETE", "faults")

    def hits(self) -> dict[str, int]:
        """How often each rule struck."""
        return {rule["id"]: rule["hits"] for rule in _control(self._shop, "GET", "faults")}


@pytest.fixture(scope="session")
def faults(shop: Shop) -> Faults:
    """The local cloud's fault injector."""
    return Faults(shop)


@pytest.fixture(scope="session")
def grow_old(shop: Shop) -> Callable[[str, float], int]:
    """Let the records of a table's stream grow older by so many seconds; how many there are."""

    def age(table: str, seconds: float) -> int:
        body = {"table": table, "seconds": seconds}
        return int(_control(shop, "POST", "streams", body)["records"])

    return age


@pytest.fixture
def emails(shop: Shop) -> Callable[[str], list[dict[str, Any]]]:
    """The e-mails about an order that SES accepted."""

    def about(order_id: str) -> list[dict[str, Any]]:
        return [mail for mail in _control(shop, "GET", "emails") if order_id in mail["text"]]

    return about


class Customer:
    """A signed-in customer of the shop, at the public API."""

    def __init__(self, shop: Shop, token: str) -> None:
        self._shop = shop
        self._token = token

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Make a request with the customer's token."""
        return urllib3.request(
            method,
            self._shop.status["public_url"] + path,
            headers={
                "Content-Type": "application/json",
                "Authorization": self._token,
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
            body=json.dumps(body) if body is not None else None,
            timeout=30.0,  # longer than API Gateway waits
            retries=False,
        )

    def order(self, *, declined: bool = False, key: str | None = None) -> str:
        """Place an order; its id."""
        card_token = "tok_declined" if declined else "tok_visa"
        placed = self.request(
            "POST",
            "/orders",
            {"sku": "mug", "quantity": 1, "card_token": card_token},
            Idempotency_Key=key or str(uuid.uuid4()),
        )
        assert placed.status == 201, placed.data
        return str(placed.json()["order_id"])

    def status(self, order_id: str) -> str:
        """Where an order stands."""
        return str(self.request("GET", f"/orders/{order_id}").json()["status"]).upper()


@pytest.fixture(scope="session")
def customer(shop: Shop) -> Callable[[], Customer]:
    """Sign a new customer up and in."""
    users, parameters = shop.client("cognito-idp"), shop.client("ssm")

    def parameter(name: str) -> str:
        path = f"/trunkline/local/edge/{name}"
        return str(parameters.get_parameter(Name=path)["Parameter"]["Value"])

    pool, client = parameter("user-pool-id"), parameter("client-id")

    def sign_up() -> Customer:
        email, password = f"{uuid.uuid4()}@example.com", f"Aa1!{uuid.uuid4()}"
        verified = [
            {"Name": "email", "Value": email},
            {"Name": "email_verified", "Value": "true"},
        ]
        names = {"UserPoolId": pool, "Username": email}
        users.admin_create_user(**names, MessageAction="SUPPRESS", UserAttributes=verified)
        users.admin_set_user_password(**names, Password=password, Permanent=True)
        signed_in = users.initiate_auth(
            ClientId=client,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": email, "PASSWORD": password},
        )
        return Customer(shop, str(signed_in["AuthenticationResult"]["IdToken"]))

    return sign_up


def _eventually(what: str, condition: Callable[[], Any], timeout: float = 60) -> Any:
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {timeout:.0f} s: {what}"
        time.sleep(0.2)  # between two looks at the condition
    return value


@pytest.fixture(scope="session")
def eventually() -> Callable[..., Any]:
    """Wait until a condition holds; fail with what was waited for."""
    return _eventually
