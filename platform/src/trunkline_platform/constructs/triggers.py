"""What makes a function run without being called: event source mappings and schedules."""

from __future__ import annotations

import json

from cdktn_provider_aws.cloudwatch_event_rule import CloudwatchEventRule
from cdktn_provider_aws.cloudwatch_event_target import CloudwatchEventTarget
from cdktn_provider_aws.lambda_event_source_mapping import (
    LambdaEventSourceMapping,
    LambdaEventSourceMappingFilterCriteriaFilter,
)
from cdktn_provider_aws.lambda_permission import LambdaPermission
from cdktn_provider_aws.secretsmanager_secret_rotation import (
    SecretsmanagerSecretRotation,
    SecretsmanagerSecretRotationRotationRules,
)
from constructs import Construct

from trunkline_platform.aws import Aws
from trunkline_platform.constructs.alarms import alarm
from trunkline_platform.constructs.functions import Function
from trunkline_platform.constructs.queues import Queue
from trunkline_platform.constructs.secrets import Secret
from trunkline_platform.constructs.tables import Table

__all__ = ["consume_queue", "follow_inserts", "invoke_on_schedule", "rotate_secret"]

_PARTIAL = ["ReportBatchItemFailures"]  # one bad record does not bring back its whole batch
_BATCH_SIZE = 10
_RETRIES = 10
_RECORD_AGE_SECONDS = 3600


def consume_queue(scope: Construct, id_: str, *, function: Function, queue: Queue) -> None:
    """Have messages of a queue brought to a function, ten at most at once.

    Those of a FIFO queue come one by one: whenever a message fails, SQS would count those behind it
    in the batch as received, too, and dead-letter them before they were ever tried.
    """
    queue.grant_consume(function.role)
    LambdaEventSourceMapping(
        scope,
        id_,
        event_source_arn=queue.resource.arn,
        function_name=function.alias.arn,
        batch_size=1 if queue.is_fifo else _BATCH_SIZE,
        function_response_types=_PARTIAL,
        depends_on=[function.role.policy],
    )


def follow_inserts(
    scope: Construct, id_: str, *, aws: Aws, function: Function, table: Table
) -> None:
    """Have a table's new items brought to a function, in order, from the very first.

    A batch that fails is tried again, in halves, ten times or until it is an hour old, so that one
    item that can never be published holds up those behind it no longer than that. What is given up
    has no destination: the item itself stays in the table, where the sweep finds it.

    Alarms when the function is behind by as much as a queue may be.
    """
    table.grant_stream(function.role)
    LambdaEventSourceMapping(
        scope,
        id_,
        event_source_arn=table.resource.stream_arn,
        function_name=function.alias.arn,
        starting_position="TRIM_HORIZON",
        batch_size=_BATCH_SIZE,
        function_response_types=_PARTIAL,
        maximum_retry_attempts=_RETRIES,
        maximum_record_age_in_seconds=_RECORD_AGE_SECONDS,
        bisect_batch_on_function_error=True,
        filter_criteria={
            "filter": [
                LambdaEventSourceMappingFilterCriteriaFilter(
                    pattern=json.dumps({"eventName": ["INSERT"]})
                )
            ]
        },
        depends_on=[function.role.policy],
    )
    alarm(
        scope,
        f"{id_}_age",
        aws=aws,
        name=f"{function.name}-age",
        description=f"{function.name} is behind with what it should publish.",
        metric=("AWS/Lambda", "IteratorAge"),
        dimensions={"FunctionName": function.name},
        statistic="Maximum",
        at_least=aws.settings.alarms.queue_age_seconds * 1000,
    )


def invoke_on_schedule(
    scope: Construct,
    id_: str,
    *,
    aws: Aws,
    function: Function,
    purpose: str,
    description: str,
    minutes: int,
) -> None:
    """Have a function invoked again and again, with EventBridge's scheduled event.

    A run that cannot be started is not tried again: the next one comes soon enough.

    Args:
        purpose: Part of the rule's name.
        minutes: Between two runs; two or more.
    """
    name = aws.rule_name(function.name, purpose)
    rule = CloudwatchEventRule(
        scope,
        id_,
        name=name,
        description=description,
        schedule_expression=f"rate({minutes} minutes)",
    )
    permission = LambdaPermission(
        scope,
        f"{id_}_permission",
        statement_id=purpose,
        action="lambda:InvokeFunction",
        function_name=function.alias.function_name,
        qualifier=function.alias.name,
        principal="events.amazonaws.com",
        source_arn=aws.arn("events", f"rule/{name}"),
    )
    CloudwatchEventTarget(
        scope,
        f"{id_}_target",
        rule=rule.name,
        target_id=purpose,
        arn=function.alias.arn,
        retry_policy={"maximum_event_age_in_seconds": 60, "maximum_retry_attempts": 0},
        depends_on=[permission],
    )


def rotate_secret(
    scope: Construct, id_: str, *, aws: Aws, function: Function, secret: Secret, schedule: str
) -> None:
    """Have a function rotate a secret by a schedule, at first when that comes round.

    Not at once, as Terraform would by default: it makes the secret without a value, and a rotation
    replaces one. Until people have written the first value, a scheduled rotation is refused by the
    function, which is an alarm, and does nothing.
    """
    permission = LambdaPermission(
        scope,
        f"{id_}_permission",
        statement_id="rotation",
        action="lambda:InvokeFunction",
        function_name=function.alias.function_name,
        qualifier=function.alias.name,
        principal="secretsmanager.amazonaws.com",
        source_account=aws.account,
        source_arn=secret.resource.arn,
    )
    SecretsmanagerSecretRotation(
        scope,
        id_,
        secret_id=secret.resource.id,
        rotation_lambda_arn=function.alias.arn,
        rotate_immediately=False,
        rotation_rules=SecretsmanagerSecretRotationRotationRules(schedule_expression=schedule),
        depends_on=[permission, function.role.policy],
    )
