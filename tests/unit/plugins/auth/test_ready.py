"""A ready signer shows nothing of what it holds."""

from __future__ import annotations

import pytest

from trunkline.plugins.auth.ready import Ready, line
from trunkline.testing import SECRET


@pytest.mark.row("S1")
def test_it_shows_nothing() -> None:
    signer = Ready(SECRET.encode(), SECRET.encode())
    assert (repr(signer), str(signer), f"{signer}") == ("Ready(***)",) * 3


@pytest.mark.parametrize("value", ["a\tb", "a\x7fb", "\r", "é", "\u2028"])
def test_a_line_takes_printable_ascii_only(value: str) -> None:
    with pytest.raises(ValueError, match="cannot carry"):
        line("x", value)
    assert line("X-A", "a b") == b"x-a: a b\r\n"
