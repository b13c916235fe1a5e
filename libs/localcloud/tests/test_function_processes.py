"""Contract of the gap ``function_processes``."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[..., Any]
Make = Callable[..., str]


def invoke(client: Client, name: str, event: object = None, **keywords: Any) -> tuple[Any, Any]:
    """The function's answer and its error kind."""
    answer = client("lambda").invoke(FunctionName=name, Payload=json.dumps(event), **keywords)
    return json.loads(answer["Payload"].read()), answer.get("FunctionError")


def test_environment_is_clean(client: Client, function: Make, monkeypatch: Any) -> None:
    """A function sees Lambda's variables and its own, and nothing of the cloud's."""
    name = function(
        "import os\ndef handler(event, context): return dict(os.environ)",
        Environment={"Variables": {"GREETING": "hello", "AWS_REGION": "mars"}},
    )
    variables, _ = invoke(client, name)
    lambdas_own = {
        key for key in variables if key.startswith(("AWS_", "LAMBDA_", "_")) and key != "_HANDLER"
    }
    assert {"_HANDLER", "GREETING", "HOME", "LANG", "LC_CTYPE", "PATH", "TMPDIR", "TZ"} >= (
        set(variables) - lambdas_own
    )
    assert variables["GREETING"] == "hello"
    assert variables["AWS_REGION"] == "eu-central-1"
    assert name == variables["AWS_LAMBDA_FUNCTION_NAME"]


def test_nothing_but_the_package_can_be_imported(client: Client, function: Make) -> None:
    """A function cannot import what the cloud itself depends on."""
    answer, error = invoke(
        client, function("import botocore\ndef handler(event, context): return 1")
    )
    assert error == "Unhandled"
    assert answer["errorType"] == "Runtime.ImportModuleError"
    assert answer["errorMessage"] == "Unable to import module 'app': No module named 'botocore'"


def test_context_is_complete(client: Client, function: Make) -> None:
    """The context object has what AWS documents."""
    name = function(
        """
        def handler(event, context):
            return {
                "request": context.aws_request_id, "arn": context.invoked_function_arn,
                "left": context.get_remaining_time_in_millis(), "name": context.function_name,
                "memory": context.memory_limit_in_mb, "version": context.function_version,
                "group": context.log_group_name, "stream": context.log_stream_name,
            }
        """,
        Timeout=7,
        MemorySize=256,
    )
    context, _ = invoke(client, name)
    assert len(context.pop("request")) == 36
    assert 6000 < context.pop("left") <= 7000
    assert "[$LATEST]" in context.pop("stream")
    assert {
        "arn": f"arn:aws:lambda:eu-central-1:000000000000:function:{name}",
        "name": name,
        "memory": "256",
        "version": "$LATEST",
        "group": f"/aws/lambda/{name}",
    } == context


def test_errors_are_reported_by_class_and_stack(client: Client, function: Make) -> None:
    """An exception is reported by its class's name, its text and where it was raised."""
    answer, error = invoke(
        client,
        function(
            "class OutOfStock(Exception): pass\n"
            "def handler(event, context): raise OutOfStock('sku-1')"
        ),
    )
    assert error == "Unhandled"
    assert (answer["errorType"], answer["errorMessage"]) == ("OutOfStock", "sku-1")
    assert "in handler" in answer["stackTrace"][0]
    assert len(answer["stackTrace"]) == 1


def test_process_survives_an_error(client: Client, function: Make) -> None:
    """After an exception the same process serves the next invocation."""
    name = function(
        """
        import os
        def handler(event, context):
            if event == "fail":
                raise ValueError(os.getpid())
            return os.getpid()
        """
    )
    failed, _ = invoke(client, name, "fail")
    assert failed["errorMessage"] == str(invoke(client, name)[0])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import os\ndef handler(e, c): os._exit(3)", "exit status 3"),
        ("import sys\ndef handler(e, c): sys.exit(4)", "exit status 4"),
        ("import os\ndef handler(e, c): os.kill(os.getpid(), 9)", "signal: killed"),
        ("import os\ndef handler(e, c): os._exit(0)", "without providing a reason"),
    ],
)
def test_exit_is_an_error(client: Client, function: Make, source: str, message: str) -> None:
    """A process that ends is reported as such, and the next invocation gets a new one."""
    name = function(source)
    for _ in range(2):
        answer, error = invoke(client, name)
        assert (answer["errorType"], error) == ("Runtime.ExitError", "Unhandled")
        assert message in answer["errorMessage"]


def test_timeout_ends_the_process(client: Client, function: Make) -> None:
    """An invocation that takes longer than the timeout is ended with its process."""
    name = function(
        """
        import os, time
        def handler(event, context):
            if event == "pid":
                return os.getpid()
            while True: pass
        """,
        Timeout=1,
    )
    process, _ = invoke(client, name, "pid")
    answer, error = invoke(client, name, "hang")
    assert (answer["errorType"], error) == ("Sandbox.Timedout", "Unhandled")
    assert answer["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_what_cannot_be_marshalled_is_an_error(client: Client, function: Make) -> None:
    """A result that is no JSON is reported as AWS's runtime does."""
    answer, _ = invoke(client, function("def handler(event, context): return {1, 2}"))
    assert answer["errorType"] == "Runtime.MarshalError"
    assert "Object of type set is not JSON serializable" in answer["errorMessage"]


def test_numbers_are_marshalled_as_by_awss_client(client: Client, function: Make) -> None:
    """Decimals become numbers, and what is not a number is let through."""
    code = """
        from decimal import Decimal
        def handler(event, context):
            return [Decimal("2"), Decimal("1.5"), float("nan"), Decimal("NaN"), "ä"]
    """
    answer, error = invoke(client, function(code))
    assert error is None
    assert answer[:2] == [2, 1.5]
    assert [number != number for number in answer[2:4]] == [True, True]
    assert answer[4] == "ä"


def test_logs_reach_cloudwatch(client: Client, function: Make) -> None:
    """What a function prints and logs is in its log group, in order, between START and END."""
    name = function(
        """
        import logging
        def handler(event, context):
            print("printed")
            logging.getLogger().warning("two\\nlines")
            raise KeyError("missing")
        """
    )
    invoke(client, name)
    messages = [
        event["message"]
        for event in client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    ]
    kinds = [message.split()[0] for message in messages]
    assert kinds == ["INIT_START", "START", "printed", "[WARNING]", "[ERROR]", "END", "REPORT"]
    assert messages[3].endswith("two\nlines")
    assert messages[4].startswith("[ERROR] KeyError: 'missing'\nTraceback")


def test_credentials_are_the_roles(client: Client, function: Make) -> None:
    """A function holds temporary credentials of its own role, and no two processes the same."""
    name = function("import os\ndef handler(e, c): return dict(os.environ)")
    variables, _ = invoke(client, name)
    identity = client(
        "sts",
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=variables["AWS_SESSION_TOKEN"],
    ).get_caller_identity()
    assert f"arn:aws:sts::000000000000:assumed-role/{name}/{name}" == identity["Arn"]


def test_concurrent_invocations_have_their_own_processes(
    client: Client, function: Make, tmp_path: Path
) -> None:
    """Invocations at the same time run side by side, later ones reuse the processes."""
    name = function(
        """
        import os, time
        def handler(event, context):
            place = event["place"]
            open(os.path.join(place, str(os.getpid())), "w").close()
            while len(os.listdir(place)) < event["until"]:
                time.sleep(0.01)
            return os.getpid()
        """,
        Timeout=60,
    )
    event = {"place": str(tmp_path), "until": 3}
    with ThreadPoolExecutor(3) as threads:
        first = {answer for answer, _ in threads.map(lambda _: invoke(client, name, event), "123")}
        again = {answer for answer, _ in threads.map(lambda _: invoke(client, name, event), "123")}
    assert len(first) == 3
    assert again <= first


@pytest.mark.parametrize("qualifier", ["$LATEST", "live"])
def test_reserved_concurrency_is_honoured(client: Client, function: Make, qualifier: str) -> None:
    """A reserved concurrency of zero throttles, whatever version is asked for."""
    name = function("def handler(event, context): return 1", Publish=True)
    functions = client("lambda")
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError, match="TooManyRequestsException"):
        invoke(client, name, Qualifier=qualifier)


def test_new_code_runs_at_once(client: Client, function: Make, package: Any) -> None:
    """After UpdateFunctionCode no old process answers."""
    name = function("def handler(event, context): return 'old'")
    assert invoke(client, name) == ("old", None)
    client("lambda").update_function_code(
        FunctionName=name, ZipFile=package(app="def handler(event, context): return 'new'")
    )
    assert invoke(client, name) == ("new", None)


def test_cold_start_costs_little_more_than_the_interpreter(client: Client, function: Make) -> None:
    """A cold start takes less than 200 ms beside what this machine takes to start Python twice."""
    name = function("def handler(event, context): return event")
    interpreter, cold = [], []
    for memory in (128, 129, 130):
        client("lambda").update_function_configuration(FunctionName=name, MemorySize=memory)
        began = time.monotonic()
        subprocess.run([sys.executable, "-I", "-S", "-c", "import logging, json"], check=True)
        interpreter.append(time.monotonic() - began)
        began = time.monotonic()
        invoke(client, name)
        cold.append(time.monotonic() - began)
    assert min(cold) < 0.2 + 2 * max(interpreter)


def test_silent_invocation_waits_for_nothing(client: Client, function: Make) -> None:
    """A warm invocation that logs nothing takes little more than any other call: no 50 ms wait."""
    name = function("def handler(event, context): return event")
    calls, invocations = [], []
    for number in range(30):
        began = time.monotonic()
        client("lambda").get_function_configuration(FunctionName=name)
        calls.append(time.monotonic() - began)
        began = time.monotonic()
        assert invoke(client, name, number) == (number, None)
        invocations.append(time.monotonic() - began)
    assert min(invocations) < min(calls) + 0.045


def test_trace_header_reaches_the_function(client: Client, function: Make) -> None:
    """Every invocation has a trace, and the caller's is passed on."""
    name = function("import os\ndef handler(e, c): return os.environ['_X_AMZN_TRACE_ID']")
    assert invoke(client, name)[0].startswith("Root=1-")


def test_killed_process_is_replaced(client: Client, function: Make) -> None:
    """A process that was killed while idle costs nothing but a cold start."""
    name = function("import os\ndef handler(e, c): return os.getpid()")
    process, _ = invoke(client, name)
    os.kill(process, signal.SIGKILL)
    answer, error = invoke(client, name)
    assert error is None
    assert answer != process


def test_layers_are_on_the_path(client: Client, function: Make, package: Any) -> None:
    """What a layer has below python/ can be imported."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("python/shared.py", "NAME = 'from the layer'")
    layer = client("lambda").publish_layer_version(
        LayerName="shared", Content={"ZipFile": buffer.getvalue()}
    )
    name = function(
        "import shared\ndef handler(event, context): return shared.NAME",
        Layers=[layer["LayerVersionArn"]],
    )
    assert invoke(client, name) == ("from the layer", None)
