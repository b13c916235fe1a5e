"""Contract of the gap ``schedule_pace``: schedules run, by permission, at the cloud's pace."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from typing import Any

Client = Callable[..., Any]
Function = Callable[..., str]
Eventually = Callable[..., Any]


def _logged(client: Client, function: str) -> list[dict[str, Any]]:
    """The events that a function printed."""
    logs = client("logs")
    group = f"/aws/lambda/{function}"
    try:
        found = logs.filter_log_events(logGroupName=group, filterPattern="aws.events")["events"]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [json.loads(event["message"]) for event in found]


def test_a_rate_invokes_the_alias_that_admits_its_rule(
    client: Client, function: Function, eventually: Eventually
) -> None:
    """A minute lasts five seconds; the function gets EventBridge's scheduled event, again and
    again, and one that does not let the rule in gets nothing."""
    events, functions = client("events"), client("lambda")
    source = "import json\ndef handler(event, context): print(json.dumps(event))"
    admitting, closed = function(source), function(source)
    rule = f"rule-{secrets.token_hex(4)}"
    arn = events.put_rule(Name=rule, ScheduleExpression="rate(1 minute)")["RuleArn"]
    for name in (admitting, closed):
        version = functions.publish_version(FunctionName=name)["Version"]
        functions.create_alias(FunctionName=name, Name="live", FunctionVersion=version)
    functions.add_permission(
        FunctionName=admitting,
        Qualifier="live",
        StatementId="schedule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=arn,
    )
    targets = [
        {"Id": name, "Arn": f"arn:aws:lambda:eu-central-1:000000000000:function:{name}:live"}
        for name in (admitting, closed)
    ]
    events.put_targets(Rule=rule, Targets=targets)
    try:
        seen = eventually(lambda: len(found := _logged(client, admitting)) > 1 and found, within=25)
    finally:
        events.remove_targets(Rule=rule, Ids=[admitting, closed])
        events.delete_rule(Name=rule)
    assert {"aws.events"} == {event["source"] for event in seen}
    assert {"Scheduled Event"} == {event["detail-type"] for event in seen}
    assert [arn] == seen[0]["resources"]
    assert [] == _logged(client, closed)
