"""Terraform's machine-readable output."""

from __future__ import annotations

import json

import pytest

from trunkline_devtools.terraform.events import (
    ChangeSummary,
    Diagnostic,
    PlannedChange,
    ResourceEvent,
    parse_event,
)

ADDRESS = {"addr": "aws_sqs_queue.tasks", "resource_type": "aws_sqs_queue"}


@pytest.mark.parametrize(
    ("kind", "phase"),
    [
        ("apply_start", "start"),
        ("apply_progress", "progress"),
        ("apply_complete", "complete"),
        ("apply_errored", "errored"),
    ],
)
def test_each_phase_of_a_resource_is_an_event(kind: str, phase: str) -> None:
    """A resource's phase, action, address and seconds come out of its line."""
    line = json.dumps(
        {"type": kind, "hook": {"resource": ADDRESS, "action": "create", "elapsed_seconds": 25}}
    )

    assert parse_event(line) == ResourceEvent(phase, "create", "aws_sqs_queue.tasks", 25.0)  # type: ignore[arg-type]


def test_a_resource_that_starts_has_taken_no_time() -> None:
    """The line of a start has no seconds: they are zero."""
    line = json.dumps({"type": "apply_start", "hook": {"resource": ADDRESS, "action": "delete"}})

    assert parse_event(line) == ResourceEvent("start", "delete", "aws_sqs_queue.tasks", 0.0)


def test_a_planned_change_names_action_and_address() -> None:
    """A planned change is told apart from one that happens."""
    line = json.dumps(
        {"type": "planned_change", "change": {"resource": ADDRESS, "action": "update"}}
    )

    assert parse_event(line) == PlannedChange("update", "aws_sqs_queue.tasks")


def test_a_summary_counts_all_changes() -> None:
    """The total of a summary is what was added, changed and removed."""
    changes = {"add": 3, "change": 2, "import": 0, "remove": 1, "operation": "apply"}
    event = parse_event(json.dumps({"type": "change_summary", "changes": changes}))

    assert event == ChangeSummary("apply", 3, 2, 1)
    assert isinstance(event, ChangeSummary)
    assert event.total == 6


def test_a_diagnostic_is_one_line_with_its_address() -> None:
    """An error of many lines becomes one line that says where it belongs."""
    content = {
        "severity": "error",
        "summary": "creating SQS Queue",
        "detail": "AccessDenied:\n  not allowed",
        "address": "aws_sqs_queue.tasks",
    }
    event = parse_event(json.dumps({"type": "diagnostic", "diagnostic": content}))

    assert isinstance(event, Diagnostic)
    assert event.text == "creating SQS Queue (aws_sqs_queue.tasks): AccessDenied: not allowed"


@pytest.mark.parametrize(
    "line", ["", "Error: something", "[]", '{"type": "version"}', '{"type": "log"}', "{"]
)
def test_other_lines_say_nothing(line: str) -> None:
    """Lines of no interest, and lines that are no JSON, are passed over."""
    assert parse_event(line) is None
