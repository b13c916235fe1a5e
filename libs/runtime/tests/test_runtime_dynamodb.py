"""DynamoDB's protocol: signed as botocore signs, retried as SDKs do, errors with their facts."""

from __future__ import annotations

import base64
import itertools
import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.client import RemoteDisconnected
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials
from hypothesis import given
from hypothesis import strategies as st

from trunkline.aws import clients
from trunkline.aws.dynamodb import ATTEMPTS, DynamoClient, RetryQuota
from trunkline.aws.items import from_item, to_item
from trunkline.aws.sigv4 import Credentials, signed
from trunkline.aws.surroundings import endpoint_of
from trunkline.aws.transport import Answer, Connections
from trunkline.errors import AwsError, EnvironmentIncomplete

URL = "https://dynamodb.eu-central-1.amazonaws.com/"
KEYS = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a/token=")


@given(
    body=st.binary(max_size=64),
    target=st.from_regex(r"[A-Za-z0-9_]{1,20}\.[A-Za-z]{1,20}", fullmatch=True),
    token=st.none() | st.from_regex(r"[A-Za-z0-9+/=]{1,40}", fullmatch=True),
    path=st.sampled_from(["/", "/base/"]),
    now=st.integers(1_600_000_000, 2_000_000_000),
)
def test_signatures_are_botocores(
    body: bytes, target: str, token: str | None, path: str, now: int
) -> None:
    """Whatever is sent, botocore's own signer gives the same signature."""
    headers = {"content-type": "text/json", "host": "h.test", "x-amz-target": target}
    keys = Credentials(KEYS.access_key, KEYS.secret_key, token)
    ours = signed(
        headers, body, path=path, credentials=keys, service="dynamodb", region="r-1", now=now
    )

    request = AWSRequest("POST", f"https://h.test{path}", data=body, headers=headers)
    request.context["timestamp"] = ours["x-amz-date"]
    request.headers["X-Amz-Date"] = ours["x-amz-date"]
    if token is not None:
        request.headers["X-Amz-Security-Token"] = token
    signer = SigV4Auth(ReadOnlyCredentials(*keys), "dynamodb", "r-1")
    theirs = signer.signature(
        signer.string_to_sign(request, signer.canonical_request(request)), request
    )

    assert ours["authorization"].endswith(f"Signature={theirs}")


class Script:
    """Answers as written down, and remembers what it was sent."""

    def __init__(self, *answers: Answer | Exception) -> None:
        self._answers = iter(answers)
        self.sent: list[tuple[dict[str, str], Any]] = []

    def close(self) -> None:
        """Nothing is kept."""

    def send(self, url: str, headers: dict[str, str], body: bytes) -> Answer:
        self.sent.append((headers, json.loads(body)))
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


def refused(code: str, status: int = 400, **fields: Any) -> Answer:
    """What DynamoDB answers when it does not do what was asked."""
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "no", **fields}
    return Answer(status, {}, json.dumps(body).encode())


OK = Answer(200, {}, b'{"Item":{"id":{"S":"1"}}}')
THROTTLED = refused("ProvisionedThroughputExceededException")


def client(script: Script, slept: list[float] | None = None) -> DynamoClient:
    naps = [] if slept is None else slept
    return DynamoClient(
        URL, "eu-central-1", lambda: KEYS, script,
        random=lambda: 0.5, sleep=naps.append, clock=lambda: 1_700_000_000.0,
    )  # fmt: skip


def test_an_operation_is_a_signed_post() -> None:
    """Botocore's name of the operation, its arguments as JSON, bytes as base64."""
    script = Script(OK)

    answer = client(script).put_item(TableName="t", Item={"id": {"B": b"\x00\xff"}})

    assert answer == {"Item": {"id": {"S": "1"}}}
    ((headers, body),) = script.sent
    assert headers["x-amz-target"] == "DynamoDB_20120810.PutItem"
    assert headers["authorization"].startswith(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20231114/eu-central-1/dynamodb/aws4_request"
    )
    assert body == {"TableName": "t", "Item": {"id": {"B": "AP8="}}}


def test_the_trace_is_passed_on_for_lambdas_loop_detection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Unsigned, as botocore does it."""
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-2-3")
    script = Script(OK)

    client(script).get_item(TableName="t")

    headers = script.sent[0][0]
    assert headers["x-amzn-trace-id"] == "Root=1-2-3"
    assert "x-amzn-trace-id" not in headers["authorization"]


@pytest.mark.parametrize(
    ("answers", "naps"),
    [
        ([OK], []),
        ([THROTTLED, OK], [0.5]),
        ([THROTTLED, THROTTLED, OK], [0.5, 1.0]),
        ([refused("InternalServerError", 500), OK], [0.5]),
        ([ConnectionResetError(), OK], [0.5]),
        ([TimeoutError(), OK], [0.5]),
        ([RemoteDisconnected(), OK], [0.5]),
    ],
)
def test_what_may_pass_is_tried_again(answers: list[Answer], naps: list[float]) -> None:
    """Throttling, 5xx and lost connections, after a random part of a growing delay."""
    slept: list[float] = []

    assert client(Script(*answers), slept).get_item(TableName="t")["Item"]
    assert slept == naps


def test_three_attempts_are_the_most() -> None:
    """The last error comes out, with what AWS said."""
    slept: list[float] = []

    with pytest.raises(AwsError) as caught:
        client(Script(*[THROTTLED] * ATTEMPTS), slept).get_item(TableName="t")

    assert len(slept) == ATTEMPTS - 1
    assert caught.value.code == "ProvisionedThroughputExceededException"
    assert caught.value.status == 400
    assert caught.value.retryable


def test_a_refusal_comes_out_at_once_with_its_facts() -> None:
    """A failed condition is no reason to try again; the stored item is among its fields."""
    item = {"id": {"S": "1"}}

    with pytest.raises(AwsError) as caught:
        client(Script(refused("ConditionalCheckFailedException", Item=item))).put_item()

    error = caught.value
    assert (error.service, error.operation) == ("dynamodb", "PutItem")
    assert (error.code, error.fields["Item"]) == ("ConditionalCheckFailedException", item)
    assert str(error) == "dynamodb PutItem: ConditionalCheckFailedException: no"


def test_an_answer_that_is_no_json_has_its_status_as_code() -> None:
    """As a proxy between may answer."""
    with pytest.raises(AwsError) as caught:
        client(Script(*[Answer(503, {}, b"<html>")] * ATTEMPTS)).get_item()

    assert caught.value.code == "503"


def test_nobody_reachable_is_said() -> None:
    """After all attempts, with the reason."""
    with pytest.raises(AwsError, match=r"Unreachable.*refused") as caught:
        client(Script(*[ConnectionRefusedError("refused")] * ATTEMPTS)).get_item()

    assert caught.value.status is None


def test_what_json_does_not_know_is_a_mistake() -> None:
    """It is not turned into something that AWS would store."""
    with pytest.raises(TypeError, match="set has no place"):
        client(Script()).put_item(Item={"a"})


def test_retrying_ends_when_most_of_it_fails() -> None:
    """A hundred retries without a success between use the quota up; successes refill it."""
    quota = RetryQuota()

    assert all(quota.take() for _ in range(100))
    assert not quota.take()

    for _ in range(5):
        quota.give_back(0)
    assert quota.take()
    assert not quota.take()

    quota.give_back(2)
    assert [quota.take() for _ in range(3)] == [True, True, False]


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    """Keeps connections open; says on which one a request came, and closes it when told to."""
    numbers = itertools.count(1)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            self.number = next(numbers)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.send_header("X-Connection", str(self.number))
            self.send_header("Content-Length", str(len(body)))
            if self.headers.get("farewell") == "said":
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()
            if self.headers.get("farewell") is not None:
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Be quiet."""

    found = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=found.serve_forever, args=(0.01,))
    thread.start()
    yield found
    found.shutdown()
    thread.join()
    found.server_close()


@pytest.mark.parametrize("farewell", ["said", "silent"])
def test_connections_are_kept_until_the_other_side_ends_them(
    server: ThreadingHTTPServer, farewell: str
) -> None:
    """One connection serves many requests; after it was closed, with or without a word, another."""
    url = f"http://127.0.0.1:{server.server_address[1]}/"
    connections = Connections()

    def ask(**headers: str) -> str:
        answer = connections.send(url, headers, b"hello")
        assert (answer.status, answer.body) == (200, b"hello")
        return answer.headers["x-connection"]

    assert [ask(), ask(), ask(farewell=farewell)] == ["1", "1", "1"]
    if farewell == "silent":
        (idle,) = next(iter(connections._idle.values()))
        assert idle.sock is not None
        idle.sock.settimeout(5)
        assert idle.sock.recv(1) == b""  # the close has arrived
    assert [ask(), ask()] == ["2", "2"]
    connections.close()
    assert ask() == "3"
    connections.close()


def test_a_closed_port_is_an_os_error() -> None:
    """It is not swallowed, and nothing is kept."""
    with pytest.raises(OSError, match="refused"):
        Connections().send("http://127.0.0.1:1/", {}, b"")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**37), 10**37)
    | st.floats(-1e15, 1e15).filter(lambda number: number == 0 or abs(number) > 1e-100)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(values=st.dictionaries(st.text(), JSON))
def test_items_are_boto3s(values: dict[str, Any]) -> None:
    """boto3 reads from an item what was put into it, and so do we, on the wire and off it."""
    item = to_item(values)

    assert from_item(item) == values
    sent = json.dumps(item, default=lambda raw: base64.b64encode(raw).decode())
    assert from_item(json.loads(sent)) == values
    theirs = {name: TypeSerializer().serialize(_exact(value)) for name, value in values.items()}
    read = TypeDeserializer().deserialize
    assert {n: read(v) for n, v in item.items()} == {n: read(v) for n, v in theirs.items()}


def _exact(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, dict):
        return {key: _exact(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_exact(part) for part in value]
    return value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, object()])
def test_what_no_item_can_hold_is_a_mistake(value: Any) -> None:
    """It is found before it is sent."""
    with pytest.raises(TypeError):
        to_item({"a": value})


def test_a_set_is_no_json_value() -> None:
    """Nobody here writes one; reading one is said to be the mistake that it is."""
    with pytest.raises(TypeError, match="SS"):
        from_item({"a": {"SS": ["x"]}})


@pytest.mark.parametrize(
    ("region", "variables", "expected"),
    [
        ("eu-central-1", {}, URL.rstrip("/")),
        ("us-gov-west-1", {}, "https://dynamodb.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", {}, None),
        ("us-iso-east-1", {}, None),
        ("eu-central-1", {"AWS_USE_FIPS_ENDPOINT": "true"}, None),
        ("cn-north-1", {"AWS_ENDPOINT_URL": "http://here"}, "http://here"),
        ("x", {"AWS_ENDPOINT_URL": "a", "AWS_ENDPOINT_URL_DYNAMODB": "b"}, "b"),
    ],
)
def test_endpoints_are_where_the_sdks_find_them(
    region: str, variables: dict[str, str], expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables come first; where only botocore's tables know, it is asked."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_USE_FIPS_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert endpoint_of("dynamodb", region) == expected


def test_elsewhere_botocore_knows_endpoint_and_credentials(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    """A region of another partition, and credentials from a profile."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    profile = tmp_path / "credentials"
    profile.write_text("[default]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = b\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(profile))
    monkeypatch.setenv("AWS_REGION", "cn-north-1")
    script = Script(OK)

    clients.Clients(script).get("dynamodb").get_item(TableName="t")

    headers = script.sent[0][0]
    assert headers["host"] == "dynamodb.cn-north-1.amazonaws.com.cn"
    assert "Credential=AKIDPROFILE/" in headers["authorization"]


def test_no_credentials_at_all_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """The variable that Lambda would set."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    with pytest.raises(EnvironmentIncomplete, match="AWS_ACCESS_KEY_ID"):
        clients.Clients().credentials()
