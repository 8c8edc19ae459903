from __future__ import annotations

from pathlib import Path

import pytest

from trunkline.core.codec import DecodeError, to_json
from trunkline.core.faults import Fault, Faults, read


def test_a_fault_holds_until_its_time_or_for_ever() -> None:
    bounded = Fault(integration="a", fault="refused", play="refused", until=100.0)
    assert (bounded.holds(99.9), bounded.holds(100.0)) == (True, False)
    assert Fault(integration="a", fault="refused", play="refused").holds(1e12)


def test_what_is_written_reads_back_and_no_file_is_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    assert read(path) == []
    fault = Fault(
        integration="a",
        fault="quota",
        play="answer",
        status=429,
        fields=[("x", "y")],
        body="{}",
        events={"": "e"},
    )
    path.write_bytes(to_json(Faults([fault])))
    assert read(path) == [fault]


def test_a_file_of_another_shape_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "faults.json"
    path.write_text('{"faults": [{"integration": "a", "fault": "x", "play": "explode"}]}')
    with pytest.raises(DecodeError):
        read(path)
