"""Each function's role may do what its manifest needs, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

KEY = "${data.aws_ssm_parameter.read-foundation-data-key-arn.insecure_value}"
MESSAGE_KEY = "${data.aws_ssm_parameter.read-messaging-key-arn.insecure_value}"
PAYLOADS = "arn:aws:s3:::trunkline-dev-payloads-111122223333-eu-central-1"
ARN = "arn:aws:{}:eu-central-1:111122223333:{}"
TABLES = ARN.format("dynamodb", "table/trunkline-dev-sample-{}")

BASICS = {"WriteLogs", "Trace", "ManageInterfaces", "DescribeNetwork", "NotByTheCode"}
"""Statements of every function: its log, its traces, its place in the VPC."""

GRANTS: dict[str, dict[str, tuple[set[str], set[str]]]] = {
    "none": {},
    "reader": {
        "ReadThings": (
            {"dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"},
            {TABLES.format("things")},
        ),
        "DecryptThroughDynamodb": ({"kms:Decrypt"}, {KEY}),
    },
    "writer": {
        "WriteThings": (
            {"dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"},
            {TABLES.format("things")},
        ),
        "DecryptThroughDynamodb": ({"kms:Decrypt"}, {KEY}),
    },
    "appender": {
        "AppendOutbox": ({"dynamodb:PutItem"}, {TABLES.format("outbox")}),
        "DecryptThroughDynamodb": ({"kms:Decrypt"}, {KEY}),
    },
    "decrypter": {"DecryptFieldsOfThings": ({"kms:Decrypt"}, {KEY})},
    "encrypter": {"EncryptFieldsOfThings": ({"kms:GenerateDataKey"}, {KEY})},
    "tuned": {
        "ReadSettings": (
            {"ssm:GetParameter"},
            {ARN.format("ssm", "parameter/trunkline/dev/services/sample/settings/speed")},
        ),
    },
    "keeper": {
        "ReadSecrets": (
            {"secretsmanager:GetSecretValue"},
            {"${aws_secretsmanager_secret.secret-token.arn}"},
        ),
        "DecryptThroughSecretsmanager": ({"kms:Decrypt"}, {KEY}),
    },
    "rotate-token": {
        "RotateSecrets": (
            {
                "secretsmanager:DescribeSecret",
                "secretsmanager:GetSecretValue",
                "secretsmanager:PutSecretValue",
                "secretsmanager:UpdateSecretVersionStage",
            },
            {"${aws_secretsmanager_secret.secret-token.arn}"},
        ),
        "EncryptThroughSecretsmanager": ({"kms:Decrypt", "kms:GenerateDataKey"}, {KEY}),
    },
    "caller": {
        "CallRoutes": (
            {"execute-api:Invoke"},
            {
                ARN.format(
                    "execute-api",
                    "${data.aws_ssm_parameter.read-services-other-api-id.insecure_value}"
                    "/live/GET/things/*",
                )
            },
        ),
        "FindApis": (
            {"ssm:GetParameter"},
            {ARN.format("ssm", "parameter/trunkline/dev/services/other/api-url")},
        ),
    },
    "putter": {
        "PutPayloads": ({"s3:PutObject"}, {f"{PAYLOADS}/other.see_thing.v1/sample/*"}),
        "EncryptThroughS3": ({"kms:Decrypt", "kms:GenerateDataKey"}, {MESSAGE_KEY}),
    },
    "getter": {
        "GetPayloads": ({"s3:GetObject"}, {f"{PAYLOADS}/other.thing_seen.v1/*"}),
        "DecryptThroughS3": ({"kms:Decrypt"}, {MESSAGE_KEY}),
    },
    "mailer": {
        "SendFromShopExampleCom": (
            {"ses:SendEmail"},
            {ARN.format("ses", "identity/shop@example.com")},
        )
    },
    "outbound": {},
    "relay": {
        "Publish": ({"sns:Publish"}, {ARN.format("sns", "trunkline-dev-sample-events")}),
        "EncryptThroughSns": ({"kms:Decrypt", "kms:GenerateDataKey"}, {MESSAGE_KEY}),
        "SendTasks": ({"sqs:SendMessage"}, {ARN.format("sqs", "trunkline-dev-other-tasks")}),
        "EncryptThroughSqs": ({"kms:Decrypt", "kms:GenerateDataKey"}, {MESSAGE_KEY}),
        "DrainOutbox": (
            {"dynamodb:BatchGetItem", "dynamodb:DeleteItem", "dynamodb:Scan"},
            {TABLES.format("outbox")},
        ),
        "DecryptThroughDynamodb": ({"kms:Decrypt"}, {KEY}),
        "FollowOutbox": (
            {
                "dynamodb:DescribeStream",
                "dynamodb:GetRecords",
                "dynamodb:GetShardIterator",
                "dynamodb:ListStreams",
            },
            {TABLES.format("outbox") + "/stream/*"},
        ),
    },
    "on-thing-seen": {
        "ConsumeQueue": (
            {
                "sqs:ChangeMessageVisibility",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:ReceiveMessage",
            },
            {ARN.format("sqs", "trunkline-dev-sample-on-thing-seen")},
        ),
        "DecryptThroughSqs": ({"kms:Decrypt"}, {MESSAGE_KEY}),
        "PutDeadLetters": (
            {"sqs:SendMessage"},
            {ARN.format("sqs", "trunkline-dev-sample-on-thing-seen-dlq")},
        ),
        "EncryptThroughSqs": ({"kms:Decrypt", "kms:GenerateDataKey"}, {MESSAGE_KEY}),
    },
}
"""What each need of the sample service grants, statement by statement."""

NO_RESOURCE_LEVEL = {
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "logs:DescribeLogGroups",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
"""Actions for which AWS knows no resource but ``*``, by its service authorization reference."""

NAMED_BY_AWS = ("/stream/*", ":log-stream:*", "network-interface/*", "security-group/*", "subnet/*")
"""Ends of ARNs of what AWS names at run time, within something that we name."""


def _set(value: Any) -> set[str]:
    return {value} if isinstance(value, str) else set(value or ())


def _roles(roots: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for root in roots.values():
        for name, policy in root.all("aws_iam_role_policy").items():
            for statement in json.loads(policy["policy"])["Statement"]:
                yield f"{root.name}.{name}", statement


@pytest.mark.parametrize("function", GRANTS)
def test_a_need_grants_exactly_this(function: str, sample: dict[str, Any]) -> None:
    """One need, one function: the role has the need's statements and no others."""
    granted = {
        statement["Sid"]: (_set(statement["Action"]), _set(statement["Resource"]))
        for statement in sample["sample"].statements(function)
        if statement["Sid"] not in BASICS
    }

    assert GRANTS[function] == granted


def test_keys_are_used_through_one_service_or_for_one_table_each(roots: dict[str, Any]) -> None:
    """No role can decrypt just anything by itself: its statement says through which service, or
    for which table of which service."""
    for role, statement in _roles(roots):
        if any(action.startswith("kms:") for action in _set(statement["Action"])):
            condition = statement["Condition"]["StringEquals"]
            if "kms:ViaService" not in condition:
                service, table = (
                    condition[f"kms:EncryptionContext:trunkline:{part}"]
                    for part in ("service", "table")
                )
                assert role.startswith(f"{service}."), role
                assert "*" not in service + table
                continue
            (through,) = _set(condition["kms:ViaService"])
            assert through.endswith(".eu-central-1.amazonaws.com"), role


def test_fields_are_decrypted_for_their_own_table_alone(
    roots: dict[str, Any], sample: dict[str, Any]
) -> None:
    """The role names service and table, the key's policy wants both named; the function knows the
    key."""
    (statement,) = (
        statement
        for statement in sample["sample"].statements("decrypter")
        if statement["Sid"] == "DecryptFieldsOfThings"
    )
    assert statement["Condition"] == {
        "StringEquals": {
            "kms:EncryptionContext:trunkline:service": "sample",
            "kms:EncryptionContext:trunkline:table": "things",
        }
    }
    assert sample["sample"].variables("decrypter")["TRUNKLINE_DATA_KEY"] == KEY
    (admitted,) = (
        statement
        for statement in _resource_statements(roots["foundation"])
        if statement["Sid"] == "FieldsOfTables"
    )
    assert _set(admitted["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}
    assert admitted["Principal"]["AWS"].endswith(":root")
    account = admitted["Principal"]["AWS"].split(":")[4]
    assert admitted["Condition"] == {
        "StringEquals": {"kms:CallerAccount": account},
        "StringLike": {
            "kms:EncryptionContext:trunkline:service": "*",
            "kms:EncryptionContext:trunkline:table": "*",
        },
    }


def test_no_role_allows_wildcard_actions(roots: dict[str, Any]) -> None:
    """Every allowed action is named in full."""
    allowed = {
        action
        for _, statement in _roles(roots)
        if statement["Effect"] == "Allow"
        for action in _set(statement["Action"])
    }

    assert {action for action in allowed if "*" in action or ":" not in action} == set()


def test_wildcard_resources_only_where_aws_has_no_others(roots: dict[str, Any]) -> None:
    """``*`` stands alone only for actions without resource level, and else for AWS's own names."""
    for role, statement in _roles(roots):
        if statement["Effect"] == "Deny":
            continue
        for resource in _set(statement["Resource"]):
            if resource == "*":
                assert _set(statement["Action"]) <= NO_RESOURCE_LEVEL, role
            elif "*" in resource and not resource.endswith(NAMED_BY_AWS):
                known = ("execute-api", "logs", "s3")
                assert resource.split(":")[2] in known, (role, resource)


def test_no_role_reaches_another_service(roots: dict[str, Any], manifests: Any) -> None:
    """Beside declared calls and tasks, every named resource bears the service's own name."""
    services = {manifest.service for manifest in manifests}
    across = {"CallRoutes", "FindApis", "SendTasks", "PutPayloads", "GetPayloads"}
    for name in services:
        for role, statement in _roles({name: roots[name]}):
            if statement["Sid"] in across:
                continue
            for resource in _set(statement["Resource"]):
                for other in services - {name}:
                    assert f"-{other}-" not in resource, (role, resource)
                    assert f"/{other}/" not in resource, (role, resource)


def test_one_role_per_function(roots: dict[str, Any], manifests: Any) -> None:
    """A role belongs to one function and to Lambda alone."""
    for manifest in manifests:
        root = roots[manifest.service]
        roles = root.all("aws_iam_role")
        assert set(roles) == {f"{function.name}_role" for function in manifest.functions}
        for role in roles.values():
            (trust,) = json.loads(role["assume_role_policy"])["Statement"]
            assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
            assert trust["Action"] == "sts:AssumeRole"


def test_resource_policies_name_no_role(roots: dict[str, Any]) -> None:
    """Principals are AWS services, the account or everybody: roles may not exist yet."""
    for root in roots.values():
        for statement in _resource_statements(root):
            principal = statement["Principal"]
            if principal == "*":
                continue
            ((kind, who),) = principal.items()
            assert kind in {"AWS", "Service"}
            assert kind == "Service" or who.endswith(":root"), (root.name, statement)


def test_everybody_is_admitted_by_no_statement_without_condition(roots: dict[str, Any]) -> None:
    """``*`` as principal only denies, or is narrowed by a condition."""
    for root in roots.values():
        for statement in _resource_statements(root):
            if statement["Effect"] == "Allow" and statement["Principal"] == "*":
                assert statement["Condition"], (root.name, statement["Sid"])


def _resource_statements(root: Any) -> Iterator[dict[str, Any]]:
    kinds = {
        "aws_api_gateway_rest_api_policy",
        "aws_kms_key",
        "aws_s3_bucket_policy",
        "aws_sns_topic",
        "aws_sqs_queue",
        "aws_vpc_endpoint",
    }
    for kind in kinds & root.kinds():
        for resource in root.all(kind).values():
            yield from json.loads(resource["policy"])["Statement"]


def test_no_state_can_hold_a_secret_value(roots: dict[str, Any]) -> None:
    """Secrets are containers: no resource that carries a value, no data source that reads one."""
    for root in roots.values():
        assert "aws_secretsmanager_secret_version" not in root.kinds()
        assert set(root.json.get("data", {})) <= {"aws_ssm_parameter"}
        for parameter in root.all("aws_ssm_parameter").values():
            assert parameter["type"] in {"String", "StringList"}


def test_functions_get_secret_names_not_values(sample: dict[str, Any]) -> None:
    """A function's variables name the secret that it reads."""
    variables = sample["sample"].variables("keeper")

    assert variables["TRUNKLINE_SECRET_TOKEN"] == "trunkline/dev/sample/token"
