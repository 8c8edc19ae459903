"""The ledger says what was seen, once, and survives in its file."""

from pathlib import Path
from typing import Any

from trunkline.simulator.ledger import Entry, Ledger, digest, read_file


def entry(ledger: Ledger, **members: Any) -> Entry:
    made = Entry(
        ledger.next_seq(),
        1,
        members.pop("vendor", "stripe"),
        "POST",
        "/v1/charges",
        "",
        ("host",),
        "",
        "",
        "",
        "",
        "",
        1.0,
        **members,
    )
    ledger.add(made)
    return made


def test_only_the_first_end_counts() -> None:
    ledger = Ledger()
    one = entry(ledger)
    ledger.end(one, "client_gone")
    ledger.end(one, "answered")
    assert one.outcome == "client_gone"
    assert one.client_gone_at == one.ended > 0
    assert dict(ledger.outcomes) == {"client_gone": 1}


def test_a_reader_goes_on_where_it_stopped() -> None:
    ledger = Ledger()
    for vendor in ("stripe", "openai", "stripe"):
        entry(ledger, vendor=vendor)
    first = ledger.read(limit=2)
    assert [it.seq for it in first["entries"]] == [1, 2]
    assert [it.seq for it in ledger.read(first["next"])["entries"]] == [3]
    assert [it.seq for it in ledger.read(vendor="openai")["entries"]] == [2]


def test_old_entries_are_dropped_and_counted() -> None:
    ledger = Ledger(kept=2)
    for _ in range(5):
        entry(ledger)
    answer = ledger.read()
    assert [it.seq for it in answer["entries"]] == [4, 5]
    assert answer["dropped"] == 3


def test_the_file_holds_each_entry_as_last_written_and_a_torn_line_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "ledger.jsonl"
    ledger = Ledger(file)
    done, running = entry(ledger), entry(ledger)
    ledger.act(done)
    ledger.end(done, "answered")
    with file.open("ab") as torn:
        torn.write(b'{"seq":3,"vendor":"str')
    found = read_file(file)
    assert [(it.seq, it.outcome, it.acted) for it in found] == [
        (1, "answered", True),
        (2, "receiving", False),
    ]
    assert running.seq == 2
    ledger.close()


def test_a_credential_stands_there_as_a_hash() -> None:
    assert digest("") == ""
    assert digest("sk-test-not-a-real-key") == digest("sk-test-not-a-real-key") != digest("sk-test-other")
    assert len(digest("sk-test-not-a-real-key")) == 16
