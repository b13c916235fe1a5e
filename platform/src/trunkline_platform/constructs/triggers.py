"""What makes a function run without being called: event source mappings and schedules."""

from __future__ import annotations

import json

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
from trunkline_platform.constructs.functions import Function
from trunkline_platform.constructs.queues import Queue
from trunkline_platform.constructs.secrets import Secret
from trunkline_platform.constructs.tables import Table

__all__ = ["consume_queue", "follow_inserts", "rotate_secret"]

_PARTIAL = ["ReportBatchItemFailures"]  # one bad record does not bring back its whole batch
_BATCH_SIZE = 10


def consume_queue(scope: Construct, id_: str, *, function: Function, queue: Queue) -> None:
    """Have messages of a queue brought to a function, ten at most at once."""
    queue.grant_consume(function.role)
    LambdaEventSourceMapping(
        scope,
        id_,
        event_source_arn=queue.resource.arn,
        function_name=function.alias.arn,
        batch_size=_BATCH_SIZE,
        function_response_types=_PARTIAL,
        depends_on=[function.role.policy],
    )


def follow_inserts(scope: Construct, id_: str, *, function: Function, table: Table) -> None:
    """Have a table's new items brought to a function, in order, from the very first.

    Records are retried until they succeed or leave the stream after a day: the item stays in the
    table until it is dealt with, so giving up early would gain nothing.
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
        filter_criteria={
            "filter": [
                LambdaEventSourceMappingFilterCriteriaFilter(
                    pattern=json.dumps({"eventName": ["INSERT"]})
                )
            ]
        },
        depends_on=[function.role.policy],
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
