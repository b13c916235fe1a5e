"""What the tools remember between two commands."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

from trunkline_devtools.local.record import Record, RecordFile
from trunkline_devtools.waiting import wait_for


def test_a_record_survives_its_file(tmp_path: Path) -> None:
    """What is written is read, and only by its owner."""
    file = RecordFile(tmp_path / "platform.json")
    record = Record(4566, generation="g", roots={"orders": "d"}, ports={"payments/sandbox": 1})
    file.write(record)

    assert file.read() == record
    assert stat.S_IMODE((tmp_path / "platform.json").stat().st_mode) == 0o600


def test_no_record_and_a_foreign_one_are_none(tmp_path: Path) -> None:
    """A file of another shape counts as no record."""
    file = RecordFile(tmp_path / "platform.json")
    assert file.read() is None

    (tmp_path / "platform.json").write_text('{"something": "else"}')
    assert file.read() is None


def test_a_root_that_is_being_changed_is_not_recorded(tmp_path: Path) -> None:
    """After an interruption Terraform looks at the root again."""
    file = RecordFile(tmp_path / "platform.json")
    record = Record(4566, roots={"orders": "before", "edge": "same"})

    file.root_applied(record, "orders", None)
    stored = file.read()

    assert stored is not None
    assert stored.roots == {"edge": "same"}


def test_roots_that_end_together_are_all_recorded(tmp_path: Path) -> None:
    """Threads write one after another."""
    file = RecordFile(tmp_path / "platform.json")
    record = Record(4566)
    names = [f"root-{number}" for number in range(16)]
    threads = [threading.Thread(target=file.root_applied, args=(record, n, n)) for n in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    stored = file.read()
    assert stored is not None
    assert stored.roots == {name: name for name in names}


def test_waiting_ends_with_the_answer() -> None:
    """The first answer ends the waiting."""
    answers = iter([None, None, "here"])

    assert wait_for(lambda: next(answers), timeout=10, pause=lambda _: None) == "here"


def test_waiting_asks_once_more_when_time_is_up() -> None:
    """A condition that came true during the last pause is not missed."""
    moments = iter([0.0, 1.0, 6.0])
    answers = iter([None, "late"])

    found = wait_for(
        lambda: next(answers), timeout=5, clock=lambda: next(moments), pause=lambda _: None
    )

    assert found == "late"
