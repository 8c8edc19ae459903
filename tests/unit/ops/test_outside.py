"""The health file: written in one step, read tolerantly."""

from __future__ import annotations

from pathlib import Path

import pytest

from trunkline.ops.outside import FILE, NOTHING, Hit, Incident, Outside, Page, Probed, read, write

pytestmark = pytest.mark.row("H1")


def test_what_was_written_is_read(tmp_path: Path) -> None:
    told = Outside(
        at=5.0,
        probes={"crm": Probed(at=4.0, every=60.0, ok=False, reason="no", code="network", failures=2)},
        pages={"crm": Page(at=3.0, url="https://status.test", incidents=[Incident(name="x")])},
        hits={"crm": [Hit(feature="search", calls=2, failures=1)]},
    )
    write(tmp_path / FILE, told)
    assert read(tmp_path / FILE) == told
    assert [(path.name, path.stat().st_mode & 0o777) for path in tmp_path.iterdir()] == [(FILE, 0o600)]


@pytest.mark.parametrize("content", [b"", b"\x00\x01garbage", b"\x93\x01\x02\x03"])
def test_what_does_not_read_is_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert read(tmp_path / FILE) == NOTHING
    assert read(tmp_path / "not there") == NOTHING
