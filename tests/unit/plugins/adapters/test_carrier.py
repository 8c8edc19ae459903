"""Another vendor's thoughts travel in a dialect's own opaque field and come back as they were; a vendor's own stay its own."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.conversation import Reasoning
from trunkline.plugins.adapters.carrier import PREFIX, Carried, pack, packed_thought, read_thought, unpack

TEXT = st.text(max_size=20)


@given(origin=TEXT, signature=TEXT, sealed=TEXT, given_id=TEXT)
def test_what_is_packed_comes_back(origin: str, signature: str, sealed: str, given_id: str) -> None:
    carried = Carried(origin, signature, sealed, given_id)
    packed = pack(carried)
    assert unpack(packed) == carried
    assert base64.b64decode(packed, validate=True)
    assert packed.startswith(PREFIX)


def test_a_thought_of_another_vendor_comes_back_whole() -> None:
    thought = Reasoning(summary=["It rains."], sealed="gAAA", id="rs_1", origin="openai-responses")
    packed = packed_thought(thought, "anthropic-messages")
    assert read_thought("It rains.", packed, "anthropic-messages") == thought


def test_a_thought_of_the_dialects_own_vendor_keeps_its_signature_as_it_is() -> None:
    thought = Reasoning(text="Hm.", signature="EqQB", origin="anthropic-messages")
    assert packed_thought(thought, "anthropic-messages") == "EqQB"
    assert read_thought("Hm.", "EqQB", "anthropic-messages") == thought


@pytest.mark.parametrize(
    "text", ["", "EqQB", PREFIX, PREFIX + "!!!", PREFIX + "e30", PREFIX + base64.b64encode(b"[1]").decode()]
)
def test_what_was_not_packed_here_is_not_unpacked(text: str) -> None:
    assert unpack(text) is None
