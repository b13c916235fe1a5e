"""Contract of the gap ``alias_routing``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

Client = Callable[..., Any]

_SOURCE = """
def handler(event, context):
    return [context.function_version, context.invoked_function_arn]
"""


def _two_versions(client: Client, function: Callable[..., str], **weights: float) -> str:
    name = function(_SOURCE, Publish=True)
    functions = client("lambda")
    functions.update_function_configuration(FunctionName=name, Description="second")
    functions.get_waiter("function_updated_v2").wait(
        FunctionName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 200}
    )
    functions.publish_version(FunctionName=name)
    functions.create_alias(
        FunctionName=name,
        Name="live",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": weights["second"]}},
    )
    return name


def test_weights_choose_the_version(client: Client, function: Callable[..., str]) -> None:
    """Each invocation of an alias runs a version chosen by weight, and the answer names it."""
    name = _two_versions(client, function, second=0.5)
    versions: Counter[str] = Counter()
    for _ in range(60):
        answer = client("lambda").invoke(FunctionName=name, Qualifier="live")
        version, arn = json.loads(answer["Payload"].read())
        assert arn.endswith(f":{name}:live")
        assert version == answer["ExecutedVersion"]
        versions[version] += 1
    assert versions["1"] > 10
    assert versions["2"] > 10


def test_full_weight_takes_everything(client: Client, function: Callable[..., str]) -> None:
    """A weight of one sends every invocation to the additional version."""
    name = _two_versions(client, function, second=1.0)
    for _ in range(10):
        answer = client("lambda").invoke(FunctionName=name, Qualifier="live")
        assert json.loads(answer["Payload"].read())[0] == "2"


def test_reading_an_alias_names_its_first_version(
    client: Client, function: Callable[..., str]
) -> None:
    """GetFunctionConfiguration by alias answers the alias's ARN and first version, not a draw."""
    name = _two_versions(client, function, second=1.0)
    configuration = client("lambda").get_function_configuration(FunctionName=name, Qualifier="live")
    assert configuration["Version"] == "1"
    assert configuration["FunctionArn"].endswith(f":{name}:live")
