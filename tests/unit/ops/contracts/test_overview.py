"""A row for each operation that is known."""

from pathlib import Path

from tests.unit.ops.contracts.test_single import LOCKED
from tests.unit.ops.contracts.test_watch import watch
from trunkline.ops.contracts import store
from trunkline.ops.contracts.lock import Lock, LockedIntegration
from trunkline.ops.contracts.overview import rows
from trunkline.ops.contracts.store import Book
from trunkline.ops.contracts.watch import Operation


def test_seen_and_locked_operations_stand_together(tmp_path: Path) -> None:
    store.write(tmp_path, "stripe", Book({"charge": watch().operation, "": Operation()}))
    lock = Lock(
        integrations={
            "stripe": LockedIntegration("2026", {"refund": LOCKED}),
            "crm": LockedIntegration("", {"people": LOCKED}),
        }
    )
    found = rows(tmp_path, lock, ["openai"])
    assert [(row.integration, row.operation, row.state, row.learned, row.api_version) for row in found] == [
        ("crm", "people", "locked", 80, ""), ("stripe", "errors", "learning", 0, ""), ("stripe", "charge", "learned", 60, ""),
        ("stripe", "refund", "locked", 80, "2026"),
    ]  # fmt: skip
    assert [row.operation for row in rows(tmp_path, lock, [], ["crm"])] == ["people"]
    assert rows(tmp_path, Lock(), ["openai"], ["openai"]) == []
