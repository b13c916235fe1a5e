"""What a person or a program gets from ``./dev bench``."""

from __future__ import annotations

import json

import pytest

from trunkline_bench.cli import main
from trunkline_bench.runtime.statistics import Summary, misses, ratio


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "BENCHMARK"),
        (["fly"], "invalid choice: 'fly'"),
        (["runtime", "--runs", "0"], "'0': 1 to 1000 runs"),
        (["runtime", "--runs", "many"], "'many': 1 to 1000 runs"),
    ],
)
def test_wrong_arguments_give_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line names what is wrong; the exit code is 2."""
    assert main(arguments) == 2

    output = capsys.readouterr()
    assert output.out == ""
    assert message in output.err
    assert output.err.count("\n") == 1


def test_one_run_gives_a_whole_document(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output is one JSON document with each peer's ratios; progress goes elsewhere."""
    assert main(["runtime", "--runs", "1", "--json"]) == 0

    output = capsys.readouterr()
    document = json.loads(output.out)
    assert set(document["ratios"]) == {"powertools", "fastapi", "chalice", "bare"}
    for peer, ratios in document["ratios"].items():
        assert set(ratios) == {"first_response", "warm_api_call", "sqs_record"}
        for measure, value in ratios.items():
            seconds = document["seconds"][measure]
            expected = seconds["trunkline"]["median"] / seconds[peer]["median"]
            assert value == pytest.approx(expected, abs=0.001)
    assert "first_response" in output.err


def test_a_ratio_is_of_medians() -> None:
    """One slow run changes nothing."""
    ours, theirs = Summary((1.0, 2.0, 60.0)), Summary((4.0, 3.9, 4.1))

    assert ratio(ours, theirs) == 0.5
    assert ours.quartiles == (1.5, 31.0)


def test_a_missed_target_is_named() -> None:
    """Only what is above its target, with both numbers."""
    found = misses({"first": 0.61, "second": 0.4}, {"first": 0.6, "second": 0.4})

    assert found == ["first 0.61, at most 0.6"]
