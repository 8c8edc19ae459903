"""The file of what vendors said."""

from pathlib import Path

from trunkline.core.codec import to_json
from trunkline.ops.contracts.notices import FILE, Notice, read

ONE = Notice(
    integration="stripe", operation="", method="GET", path="/v1/x", pinned="", fields={"sunset": "x"}, first_at=1.0, last_at=2.0,
    correlation_id="c",
)  # fmt: skip


def test_what_was_written_is_read(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(to_json([ONE]))
    assert read(tmp_path) == [ONE]


def test_no_file_or_a_broken_one_says_nothing(tmp_path: Path) -> None:
    assert read(tmp_path) == []
    (tmp_path / FILE).write_text("[{")
    assert read(tmp_path) == []
