"""Queues, topics, functions, tables and alarms of every service."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from trunkline_platform.environments import load_environment
from trunkline_platform.errors import SettingsError, TooLong


def _alarms(root: Any) -> set[tuple[str, str]]:
    """What is watched: metric and the one dimension's value."""
    return {
        (alarm["metric_name"], next(iter(alarm["dimensions"].values())))
        for alarm in root.all("aws_cloudwatch_metric_alarm").values()
    }


def test_every_queue_has_a_dead_letter_queue(roots: dict[str, Any]) -> None:
    """A queue either redrives to one of its root, or is one that admits just its source."""
    for root in roots.values():
        for name, queue in root.all("aws_sqs_queue").items():
            if name.endswith("_dead-letters"):
                allowed = json.loads(queue["redrive_allow_policy"])
                source = queue["name"].replace("-dlq", "")
                assert [arn.rpartition(":")[2] for arn in allowed["sourceQueueArns"]] == [source]
                assert queue["message_retention_seconds"] == 14 * 24 * 3600
            else:
                redrive = json.loads(queue["redrive_policy"])
                target = f"{name.removesuffix('_queue')}_dead-letters"
                assert redrive["deadLetterTargetArn"] == f"${{aws_sqs_queue.{target}.arn}}"
                assert target in root.all("aws_sqs_queue")


def test_messages_are_received_as_often_as_declared(sample: dict[str, Any]) -> None:
    """``max_receives`` of the manifest decides when SQS itself gives up; five without."""
    declared = sample["sample"].all("aws_sqs_queue")["on-thing-seen_source_queue"]
    default = sample["other"].all("aws_sqs_queue")["tasks_source_queue"]

    assert json.loads(declared["redrive_policy"])["maxReceiveCount"] == 3
    assert json.loads(default["redrive_policy"])["maxReceiveCount"] == 5


def test_messages_stay_hidden_while_their_function_may_run(
    roots: dict[str, Any], manifests: Any
) -> None:
    """Visibility timeout is at least the function's timeout, or AWS refuses the mapping."""
    for manifest in manifests:
        for name, queue in roots[manifest.service].all("aws_sqs_queue").items():
            if not name.endswith("_dead-letters"):
                function = manifest.function(name.removesuffix("_source_queue"))
                assert queue["visibility_timeout_seconds"] >= function.timeout_seconds


def test_messages_are_encrypted_and_need_tls(roots: dict[str, Any]) -> None:
    """Every queue and topic has the key and denies plain HTTP."""
    for root in roots.values():
        for kind in ("aws_sqs_queue", "aws_sns_topic"):
            for resource in root.all(kind).values():
                statements = json.loads(resource["policy"])["Statement"]
                denied = [s for s in statements if s["Sid"] == "RequireTls"]
                assert resource["kms_master_key_id"]
                assert denied[0]["Effect"] == "Deny"


def test_a_subscription_gets_its_event_only(roots: dict[str, Any], manifests: Any) -> None:
    """Each queue is subscribed to the publisher's topic, filtered by type, delivered raw."""
    for manifest in manifests:
        for subscription in manifest.subscriptions:
            root = roots[manifest.service]
            name = f"{subscription.function}_source_subscription-{subscription.event.split('.')[0]}"
            resource = root.all("aws_sns_topic_subscription")[name]
            assert json.loads(resource["filter_policy"]) == {"type": [subscription.event]}
            assert resource["raw_message_delivery"] is True


def test_one_topic_per_publishing_service(roots: dict[str, Any], manifests: Any) -> None:
    """One for events, and a FIFO topic for ordered ones; who publishes nothing has no topic."""
    topics = roots["messaging"].all("aws_sns_topic").values()
    plain = {m.service for m in manifests if set(m.publishes) - set(m.ordered)}
    ordered = {m.service for m in manifests if m.ordered}

    assert {topic["name"].split("-", 2)[2] for topic in topics} == {
        *(f"{service}-events" for service in plain),
        *(f"{service}-events.fifo" for service in ordered),
    }


def test_every_function_and_queue_is_watched(roots: dict[str, Any], manifests: Any) -> None:
    """Errors and throttles of functions, age in queues, depth of dead-letter queues: no gap."""
    for manifest in manifests:
        root = roots[manifest.service]
        wanted = set()
        for function in root.all("aws_lambda_function").values():
            name = function["function_name"]
            wanted |= {("Errors", name), ("Throttles", name)}
            if name.endswith("-relay"):
                wanted.add(("IteratorAge", name))
        for queue in root.all("aws_sqs_queue").values():
            dead = "-dlq" in queue["name"]
            age, depth = "ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"
            wanted.add((depth if dead else age, queue["name"]))
        assert wanted == _alarms(root)


def test_alarms_tell_somebody_and_know_silence(roots: dict[str, Any]) -> None:
    """Every alarm notifies the alarm topic, and an idle function is no alarm."""
    for root in roots.values():
        for alarm in root.all("aws_cloudwatch_metric_alarm").values():
            (topic,) = alarm["alarm_actions"]
            assert topic.endswith("-alarms")
            assert alarm["treat_missing_data"] == "notBreaching"


def test_triggers_point_at_the_alias(roots: dict[str, Any]) -> None:
    """Event sources and APIs invoke ``live``, so the release step alone decides what runs."""
    for root in roots.values():
        for mapping in root.all("aws_lambda_event_source_mapping").values():
            assert mapping["function_name"].startswith("${aws_lambda_alias.")
            assert mapping["function_response_types"] == ["ReportBatchItemFailures"]
        for integration in root.all("aws_api_gateway_integration").values():
            assert integration["uri"].endswith(":live/invocations")
        for alias in root.all("aws_lambda_alias").values():
            assert alias["lifecycle"]["ignore_changes"] == ["function_version", "routing_config"]


def test_only_new_outbox_items_are_relayed(sample: dict[str, Any]) -> None:
    """Deleting a published item wakes nobody, and no item holds up the others for ever."""
    mapping = sample["sample"].all("aws_lambda_event_source_mapping")["relay_trigger"]

    (condition,) = mapping["filter_criteria"]["filter"]
    assert json.loads(condition["pattern"]) == {"eventName": ["INSERT"]}
    assert mapping["starting_position"] == "TRIM_HORIZON"
    assert mapping["maximum_retry_attempts"] == 10
    assert mapping["maximum_record_age_in_seconds"] == 3600
    assert mapping["bisect_batch_on_function_error"] is True


def test_what_the_stream_leaves_behind_is_swept(roots: dict[str, Any], manifests: Any) -> None:
    """Each relay's alias, and nothing else, is invoked on a schedule, by its own rule alone."""
    for manifest in manifests:
        root = roots[manifest.service]
        relays = [one for one in manifest.functions if one.trigger == "relay"]
        assert len(root.all("aws_cloudwatch_event_rule")) == len(relays)
        if not relays:
            continue
        rule, target = (root.one(f"aws_cloudwatch_event_{kind}") for kind in ("rule", "target"))
        permission = root.one("aws_lambda_permission", principal="events.amazonaws.com")
        assert rule["schedule_expression"] == "rate(5 minutes)"
        assert target["arn"] == "${aws_lambda_alias.relay_alias.arn}"
        assert target["retry_policy"]["maximum_retry_attempts"] == 0
        assert permission["qualifier"] == "${aws_lambda_alias.relay_alias.name}"
        assert permission["source_arn"].endswith(f":rule/{rule['name']}")


def test_functions_log_where_it_is_kept_and_encrypted(roots: dict[str, Any]) -> None:
    """Every log group has a retention and the key, and every function one of its own."""
    for root in roots.values():
        groups = root.all("aws_cloudwatch_log_group")
        for group in groups.values():
            assert group["retention_in_days"] > 0
            assert group["kms_key_id"]
        for name in root.all("aws_lambda_function"):
            assert f"{name}_logs" in groups


def test_code_architecture_and_runtime_are_variables(roots: dict[str, Any], manifests: Any) -> None:
    """What a build decides is given to Terraform, not generated."""
    for manifest in manifests:
        for function in roots[manifest.service].all("aws_lambda_function").values():
            assert function["s3_key"] == "${var.bundle.key}"
            assert function["source_code_hash"] == "${var.bundle.sha256}"
            assert function["architectures"] == ["${var.architecture}"]
            assert function["runtime"] == "${var.runtime}"
            assert function["publish"] is True


def test_concurrency_is_set_aside_only_by_setting(make: Any, sample_manifests: Any) -> None:
    """A reservation for one function leaves the others to share the account's concurrency."""
    dev = replace(load_environment("dev"), reserved_concurrency={"sample/relay": 5})
    functions = make(dev, sample_manifests)["sample"].all("aws_lambda_function")

    assert {
        name: function["reserved_concurrent_executions"]
        for name, function in functions.items()
        if "reserved_concurrent_executions" in function
    } == {"relay": 5}


def test_data_outlives_mistakes_where_it_is_kept(shop: dict[str, Any]) -> None:
    """dev protects tables, buckets, users, secrets and keys; local can be thrown away."""
    dev, local = shop["dev"], shop["local"]
    for name in ("orders", "payments"):
        for table in dev[name].all("aws_dynamodb_table").values():
            assert table["deletion_protection_enabled"] is True
            assert table["point_in_time_recovery"] == {"enabled": True}
    assert dev["edge"].one("aws_cognito_user_pool")["deletion_protection"] == "ACTIVE"
    for roots, force, window in ((dev, False, 30), (local, True, 0)):
        for bucket in roots["foundation"].all("aws_s3_bucket").values():
            assert bucket["force_destroy"] is force
        (secret,) = roots["payments"].all("aws_secretsmanager_secret").values()
        assert secret["recovery_window_in_days"] == window


def test_tables_are_encrypted_with_the_data_key(roots: dict[str, Any]) -> None:
    """No table uses a key that is not the platform's own."""
    for root in roots.values():
        for table in root.all("aws_dynamodb_table").values():
            assert table["server_side_encryption"]["enabled"] is True
            assert table["server_side_encryption"]["kms_key_arn"]


def test_keys_rotate(roots: dict[str, Any]) -> None:
    """AWS makes new key material every year."""
    keys = [key for root in roots.values() for key in root.all("aws_kms_key").values()]

    assert {key["enable_key_rotation"] for key in keys} == {True}


def test_buckets_are_closed(roots: dict[str, Any]) -> None:
    """Versioned, encrypted, TLS only, no public access: every bucket."""
    for root in roots.values():
        encryption = root.all("aws_s3_bucket_server_side_encryption_configuration")
        for name in root.all("aws_s3_bucket"):
            block = root.all("aws_s3_bucket_public_access_block")[f"{name}_public-access"]
            assert {block[key] for key in block if key != "bucket"} == {True}
            versioning = root.all("aws_s3_bucket_versioning")[f"{name}_versioning"]
            assert versioning["versioning_configuration"]["status"] == "Enabled"
            assert f"{name}_encryption" in encryption
            assert "RequireTls" in root.all("aws_s3_bucket_policy")[f"{name}_policy"]["policy"]


def test_payloads_outlive_every_message_that_refers_to_them(shop: dict[str, Any]) -> None:
    """Four days in a queue, fourteen in its dead-letter queue, and a margin for the redrive."""
    rules = shop["dev"]["messaging"].one("aws_s3_bucket_lifecycle_configuration")["rule"]
    assert [rule["expiration"] for rule in rules] == [[{"days": 30}]]
    assert 4 + 14 < 30


def test_there_is_a_payload_bucket_only_for_large_messages(make: Any) -> None:
    """Without a message that may be large nothing is made for them."""
    root = make(load_environment("dev"), ())["messaging"]
    assert root.all("aws_s3_bucket") == {}


def test_the_audit_trail_sees_every_region(roots: dict[str, Any]) -> None:
    """One trail of all regions, with digests that show tampering."""
    trail = roots["foundation"].one("aws_cloudtrail")

    assert trail["is_multi_region_trail"] is True
    assert trail["enable_log_file_validation"] is True


def test_passwords_are_sent_only_where_a_setting_allows_it(shop: dict[str, Any]) -> None:
    """Only ``local`` lets an application send a customer's password."""
    flows = {
        environment: set(roots["edge"].one("aws_cognito_user_pool_client")["explicit_auth_flows"])
        for environment, roots in shop.items()
    }

    assert flows["local"] - flows["dev"] == {"ALLOW_USER_PASSWORD_AUTH"}
    assert "ALLOW_USER_SRP_AUTH" in flows["dev"]


def test_functions_learn_their_surroundings(sample: dict[str, Any]) -> None:
    """Variables name what a function's own needs lead to, and nothing of others."""
    root = sample["sample"]
    common = {
        "TRUNKLINE_ENVIRONMENT": "dev",
        "TRUNKLINE_SERVICE": "sample",
        "TRUNKLINE_ENTRY": "sample.service:service",
    }

    assert root.variables("none") == {**common, "TRUNKLINE_FUNCTION": "none"}
    assert root.variables("reader") == {
        **common,
        "TRUNKLINE_FUNCTION": "reader",
        "TRUNKLINE_TABLE_THINGS": "trunkline-dev-sample-things",
    }
    assert root.variables("caller") == {
        **common,
        "TRUNKLINE_FUNCTION": "caller",
        "TRUNKLINE_API_OTHER": "/trunkline/dev/services/other/api-url",
    }
    assert root.variables("on-thing-seen") == {
        **common,
        "TRUNKLINE_FUNCTION": "on-thing-seen",
        "TRUNKLINE_DEAD_LETTER_QUEUE": "https://sqs.eu-central-1.amazonaws.com/111122223333"
        "/trunkline-dev-sample-on-thing-seen-dlq",
        "TRUNKLINE_QUEUE": "https://sqs.eu-central-1.amazonaws.com/111122223333"
        "/trunkline-dev-sample-on-thing-seen",
        "TRUNKLINE_SETTING_ADDRESS": '${local.settings["address"]}',
        "TRUNKLINE_SETTING_COLOUR": '${local.settings["colour"]}',
    }
    assert sample["other"].variables("api")["TRUNKLINE_CALLERS"] == "sample"


def test_a_secret_is_rotated_by_its_function_alone(sample: dict[str, Any]) -> None:
    """By schedule, never while there is no value; only for this secret of this account."""
    root = sample["sample"]
    arn = "${aws_secretsmanager_secret.secret-token.arn}"
    (rotation,) = root.all("aws_secretsmanager_secret_rotation").values()
    assert rotation["rotation_lambda_arn"] == "${aws_lambda_alias.rotate-token_alias.arn}"
    assert rotation["rotation_rules"] == {"schedule_expression": "rate(30 days)"}
    assert rotation["rotate_immediately"] is False
    permission = root.one("aws_lambda_permission", principal="secretsmanager.amazonaws.com")
    assert permission["qualifier"] == "${aws_lambda_alias.rotate-token_alias.name}"
    assert (permission["source_arn"], permission["source_account"]) == (arn, "111122223333")
    encrypting = next(
        statement
        for statement in root.statements("rotate-token")
        if statement["Sid"] == "EncryptThroughSecretsmanager"
    )
    assert encrypting["Condition"]["StringEquals"]["kms:EncryptionContext:SecretARN"] == arn


def test_a_live_setting_is_a_parameter_that_operators_own(sample: dict[str, Any]) -> None:
    """Terraform gives its first value, and ignores what becomes of it."""
    parameter = sample["sample"].one(
        "aws_ssm_parameter", name="/trunkline/dev/services/sample/settings/speed"
    )
    assert parameter["insecure_value"] == '${local.settings["speed"]}'
    assert parameter["lifecycle"]["ignore_changes"] == ["insecure_value"]
    variables = sample["sample"].variables("tuned")
    assert variables["TRUNKLINE_LIVE_SETTING_SPEED"] == parameter["name"]


def test_settings_of_the_environment_win_over_declared_defaults(
    make: Any, sample_manifests: Any
) -> None:
    """The declared default, then the environment's file, then the Terraform variable."""
    dev = replace(
        load_environment("dev"), service_settings={"sample": {"colour": "blue", "address": "here"}}
    )
    root = make(dev, sample_manifests)["sample"]

    merged = root.json["locals"]["settings"]
    assert (
        merged == '${merge({"address" = "here", "colour" = "blue", "speed" = "5"}, var.settings)}'
    )


def test_a_setting_that_no_service_declares_is_refused(make: Any, sample_manifests: Any) -> None:
    """A misspelt setting stops synthesis and is named."""
    dev = replace(load_environment("dev"), service_settings={"sample": {"color": "blue"}})

    with pytest.raises(SettingsError) as refused:
        make(dev, sample_manifests)
    assert "color" in str(refused.value)
    assert "address, colour" in str(refused.value)


def test_a_name_that_aws_would_refuse_stops_synthesis(make: Any, sample_manifests: Any) -> None:
    """Names that are too long are found before Terraform runs."""
    sample = sample_manifests[1]
    long = sample.model_copy(
        update={
            "service": "a" * 32,
            "functions": (sample.functions[0].model_copy(update={"name": "b" * 32}),),
            "accepts": (),
            "publishes": (),
        }
    )

    with pytest.raises(TooLong) as refused:
        make(load_environment("dev"), (long,))
    assert refused.value.limit == 64
