"""What people see of a table."""

import pytest

from trunkline.cli.backup import _size
from trunkline.cli.show import fits, table, text_lines

LOGS = (24, 28, 13, 23, 29, 5, 6, 13, 5, 8, 8)
DOCTOR = (13, 7, 90)


@pytest.mark.parametrize(
    ("widths", "available", "folded"),
    [(LOGS, 80, False), (LOGS, 190, True), (DOCTOR, 80, True), (DOCTOR, 40, False), ((10, 10), 24, True)],
)
def test_only_sentences_are_folded(widths, available, folded):
    assert fits(widths, available) is folded


@pytest.mark.parametrize(("count", "said"), [(1, "1 KB"), (99_000, "99 KB"), (1_250_000, "1.2 MB")])
def test_the_size_of_a_backup_is_never_nothing(count, said):
    assert _size(count) == said


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x0b", "\x85", "\u2028"])
def test_what_others_wrote_makes_no_line_and_moves_no_terminal(capsys, end):
    """A model's name or a vendor's message comes from outside; `logs` and its like show both."""
    hostile = f"gpt{end}2026-11-21  forged-call\x1b[2J\x9b1m\u202etxt"
    table(["model", "state"], [[hostile, "ok"]])
    text_lines([f"message {hostile}"])
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 3
    assert all(line.isprintable() for line in out.splitlines())
    assert out.count("forged-call") == 2
