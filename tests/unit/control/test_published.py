"""What is published, read back."""

import pytest

from trunkline.control import published


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x93\x01"])
def test_an_unreadable_file_counts_as_none(state, content):
    for path in (state.snapshot, state.callers, state.sealed):
        path.write_bytes(content)
    assert published.read_snapshot(state) is None
    assert published.read_callers(state) is None
    assert published.read_sealed(state, state.master_key()) is None
