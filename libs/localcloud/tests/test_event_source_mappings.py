"""Contract of the gaps ``queue_mappings`` and ``stream_mappings``."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

Client = Callable[..., Any]

_RECORDER = """
import json
def handler(event, context):
    for record in event["Records"]:
        image = record.get("dynamodb", {}).get("NewImage", {})
        text = record.get("body") or image.get("id", {}).get("S", "")
        print("GOT", text, flush=True)
    first = event["Records"][0]
    FAILURE
"""


@dataclass
class Table:
    """A table with a stream."""

    name: str
    stream_arn: str
    put: Callable[..., Any]


def _wait(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "the condition never held"
        time.sleep(0.02)
    return found


@pytest.fixture
def got(client: Client) -> Callable[[str], list[str]]:
    """What the function's log says it got, in order."""
    logs = client("logs")

    def read(name: str) -> list[str]:
        try:
            events = logs.filter_log_events(
                logGroupName=f"/aws/lambda/{name}", filterPattern="GOT"
            )["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"].split()[1] for event in events]

    return read


@pytest.fixture
def queue(client: Client) -> str:
    """The URL of a new queue whose messages come back after a second."""
    return client("sqs").create_queue(
        QueueName=f"queue-{secrets.token_hex(4)}", Attributes={"VisibilityTimeout": "1"}
    )["QueueUrl"]


@pytest.fixture
def table(client: Client) -> Table:
    """A new table with a stream."""
    dynamodb = client("dynamodb")
    name = f"table-{secrets.token_hex(4)}"
    made = dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]

    def put(key: str, **attributes: str) -> None:
        item = {name: {"S": value} for name, value in {"id": key, **attributes}.items()}
        dynamodb.put_item(TableName=name, Item=item)

    return Table(name, made["LatestStreamArn"], put)


@pytest.fixture
def mapping(client: Client) -> Iterator[Callable[..., str]]:
    """Makes event source mappings."""
    functions = client("lambda")
    made: list[str] = []

    def make(function: str, source_arn: str, **arguments: Any) -> str:
        answer = functions.create_event_source_mapping(
            FunctionName=function, EventSourceArn=source_arn, **arguments
        )
        made.append(answer["UUID"])
        return made[-1]

    yield make
    for uuid in made:
        functions.delete_event_source_mapping(UUID=uuid)


def _arn(client: Client, queue: str) -> str:
    attributes = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    return str(attributes["Attributes"]["QueueArn"])


def _waiting(client: Client, queue: str) -> tuple[int, int]:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return int(found[names[0]]), int(found[names[1]])


def _recorder(failure: str = "") -> str:
    return _RECORDER.replace("FAILURE", failure or "return None")


def test_message_is_delivered_at_once(
    client: Client, function: Any, mapping: Any, queue: str, got: Any
) -> None:
    """An idle mapping hands a message to a warm function well within half a second."""
    name = function(_recorder())
    mapping(name, _arn(client, queue))
    client("sqs").send_message(QueueUrl=queue, MessageBody="warm-up")
    _wait(lambda: got(name) == ["warm-up"])
    began = time.monotonic()
    client("sqs").send_message(QueueUrl=queue, MessageBody="second")
    _wait(lambda: got(name) == ["warm-up", "second"])
    assert time.monotonic() - began < 0.5
    _wait(lambda: _waiting(client, queue) == (0, 0))


def test_failed_message_comes_back(
    client: Client, function: Any, mapping: Any, queue: str, got: Any
) -> None:
    """After an error the batch comes back once its visibility timeout has passed."""
    name = function(_recorder("raise ValueError('no')"))
    mapping(name, _arn(client, queue))
    began = time.monotonic()
    client("sqs").send_message(QueueUrl=queue, MessageBody="again")
    _wait(lambda: got(name) == ["again", "again"])
    assert time.monotonic() - began > 0.9


def test_reported_messages_alone_come_back(
    client: Client, function: Any, mapping: Any, queue: str, got: Any
) -> None:
    """With ReportBatchItemFailures what succeeded is deleted and what failed comes back."""
    name = function(
        _recorder(
            "return {'batchItemFailures': [{'itemIdentifier': r['messageId']} "
            "for r in event['Records'] if r['body'] == 'bad']}"
        )
    )
    client("sqs").send_message(QueueUrl=queue, MessageBody="good")
    client("sqs").send_message(QueueUrl=queue, MessageBody="bad")
    mapping(name, _arn(client, queue), FunctionResponseTypes=["ReportBatchItemFailures"])
    _wait(lambda: got(name).count("bad") == 2)
    assert got(name).count("good") == 1


@pytest.mark.parametrize("identifier", ["", "unknown"])
def test_unclear_report_loses_nothing(
    client: Client, function: Any, mapping: Any, queue: str, got: Any, identifier: str
) -> None:
    """A report that names no message of the batch fails all of it."""
    name = function(
        _recorder(f"return {{'batchItemFailures': [{{'itemIdentifier': {identifier!r}}}]}}")
    )
    mapping(name, _arn(client, queue), FunctionResponseTypes=["ReportBatchItemFailures"])
    client("sqs").send_message(QueueUrl=queue, MessageBody="kept")
    _wait(lambda: got(name).count("kept") == 2)


def test_stream_record_is_delivered_at_once(
    function: Any, mapping: Any, table: Table, got: Any
) -> None:
    """A change of an item reaches a warm function well within half a second, through filters."""
    name = function(_recorder())
    pattern = {"dynamodb": {"NewImage": {"kind": {"S": ["outbox"]}}}}
    mapping(
        name,
        table.stream_arn,
        StartingPosition="TRIM_HORIZON",
        FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]},
    )
    table.put("one", kind="outbox")
    _wait(lambda: got(name) == ["one"])
    began = time.monotonic()
    table.put("other", kind="order")
    table.put("two", kind="outbox")
    _wait(lambda: got(name) == ["one", "two"])
    assert time.monotonic() - began < 0.5


def test_stream_resumes_at_the_reported_record(
    function: Any, mapping: Any, table: Table, got: Any
) -> None:
    """With ReportBatchItemFailures a stream goes on from the first record that failed."""
    name = function(
        _recorder(
            "bad = [r for r in event['Records'] "
            "if r['dynamodb']['NewImage']['id']['S'] == 'bad']\n"
            "    import os\n"
            "    if bad and not os.path.exists(os.environ['TMPDIR'] + '/seen'):\n"
            "        open(os.environ['TMPDIR'] + '/seen', 'w').close()\n"
            "        number = bad[0]['dynamodb']['SequenceNumber']\n"
            "        return {'batchItemFailures': [{'itemIdentifier': number}]}"
        )
    )
    for key in ("good", "bad", "last"):
        table.put(key)
    mapping(
        name,
        table.stream_arn,
        StartingPosition="TRIM_HORIZON",
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    _wait(lambda: got(name) == ["good", "bad", "last", "bad", "last"])


def test_exhausted_stream_batch_goes_to_the_destination(
    client: Client, function: Any, mapping: Any, table: Table, queue: str, got: Any
) -> None:
    """After its retries a failing batch is described to the destination and passed over."""
    name = function(_recorder("if 'poison' in str(event): raise ValueError('no')"))
    table.put("poison")
    mapping(
        name,
        table.stream_arn,
        StartingPosition="TRIM_HORIZON",
        BatchSize=1,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": _arn(client, queue)}},
    )
    table.put("next")
    _wait(lambda: got(name) == ["poison", "poison", "next"])
    message = client("sqs").receive_message(QueueUrl=queue)["Messages"][0]
    record = json.loads(message["Body"])
    assert record["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert record["DDBStreamBatchInfo"]["batchSize"] == 1


def test_slow_stream_holds_up_no_queue(
    client: Client, function: Any, mapping: Any, table: Table, queue: str, got: Any
) -> None:
    """While a stream's function works, messages of queues are delivered."""
    slow = function("import time\ndef handler(e, c): time.sleep(3)", Timeout=10)
    mapping(slow, table.stream_arn, StartingPosition="TRIM_HORIZON")
    table.put("one")
    name = function(_recorder())
    mapping(name, _arn(client, queue))
    began = time.monotonic()
    client("sqs").send_message(QueueUrl=queue, MessageBody="quick")
    _wait(lambda: got(name) == ["quick"])
    assert time.monotonic() - began < 1.5


def test_kinesis_records_reach_the_function(
    client: Client, function: Any, mapping: Any, got: Any
) -> None:
    """A Kinesis record is delivered in the documented shape."""
    kinesis = client("kinesis")
    stream = f"stream-{secrets.token_hex(4)}"
    kinesis.create_stream(StreamName=stream, ShardCount=1)
    description = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    name = function(
        "import base64\n"
        "def handler(event, context):\n"
        "    for record in event['Records']:\n"
        "        print('GOT', base64.b64decode(record['kinesis']['data']).decode())"
    )
    mapping(name, description["StreamARN"], StartingPosition="TRIM_HORIZON")
    _wait(
        lambda: (
            kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"][
                "StreamStatus"
            ]
            == "ACTIVE"
        )
    )
    kinesis.put_record(StreamName=stream, Data=b"payload", PartitionKey="1")
    _wait(lambda: got(name) == ["payload"])


def test_mapping_of_an_alias_routes_by_weight(
    client: Client, function: Any, mapping: Any, queue: str, got: Any
) -> None:
    """A mapping that names an alias runs the version that the weights choose."""
    name = function(
        "def handler(e, c): print('GOT', c.function_version, c.invoked_function_arn[-5:])",
        Publish=True,
    )
    functions = client("lambda")
    functions.update_function_configuration(FunctionName=name, Description="second")
    functions.publish_version(FunctionName=name)
    functions.create_alias(
        FunctionName=name,
        Name="live",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 1.0}},
    )
    mapping(f"{name}:live", _arn(client, queue))
    client("sqs").send_message(QueueUrl=queue, MessageBody="x")
    _wait(lambda: got(name) == ["2"])
