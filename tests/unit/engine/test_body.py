"""A long body goes on as it came, with its model renamed wherever the name lay, and once only."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from hypothesis import given
from hypothesis import strategies as st

from trunkline.engine.body import Carried


class Arriving:
    """A body that comes in these pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)
        self.closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if not self.pieces:
            raise StopAsyncIteration
        return self.pieces.pop(0)

    def close(self) -> None:
        self.closed = True


async def whole(body: Carried) -> bytes:
    return b"".join([piece async for piece in body])


async def test_what_was_held_goes_first_and_then_the_rest() -> None:
    body = Carried([b"a", b"b"], Arriving(b"c", b"d"), 4)
    assert not body.started
    assert await whole(body) == b"abcd"
    assert body.started


async def test_it_reads_on_just_until_the_model_is_known() -> None:
    rest = Arriving(b'"model":"m",', b'"stream":true,', b'"messages":[', b"...")
    body = Carried([b"{"], rest, None)
    await body.scan_on()
    assert {key: found[2] for key, found in body.members.found.items()} == {"model": "m", "stream": True}
    assert rest.pieces == [b'"messages":[', b"..."]
    assert not body.started
    assert await whole(body) == b'{"model":"m","stream":true,"messages":[...'


async def test_it_stops_at_the_end_of_the_object_of_the_body_and_at_nonsense() -> None:
    for pieces, left in (
        ((b'{"a":1}', b"more"), [b"more"]),
        ((b"[1", b"more"), [b"more"]),
        ((b'{"a":', b"1"), []),
    ):
        rest = Arriving(*pieces)
        body = Carried([], rest, None)
        await body.scan_on()
        assert rest.pieces == left


@given(st.lists(st.integers(0, 60), max_size=6), st.text(max_size=9), st.booleans())
def test_the_model_is_renamed_wherever_the_pieces_are_cut(
    cuts: list[int], name: str, length_known: bool
) -> None:
    asked = {"a": "x" * 9, "model": "vendor/model", "stream": True, "b": [1, 2]}
    data = json.dumps(asked).encode()
    ends = [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    pieces = [data[a:b] for a, b in zip([0, *ends], ends, strict=False)]
    body = Carried(pieces, None, len(data) if length_known else None)
    body.scan()
    body.put(name.encode("utf-8", "replace"))
    sent = b"".join(body._held)
    assert json.loads(sent) == {**asked, "model": name.encode("utf-8", "replace").decode()}
    assert body.length == (len(sent) if length_known else None)
    assert b"" not in body._held


async def test_closing_lets_go_of_what_is_still_arriving() -> None:
    rest = Arriving(b"x")
    body = Carried([b"held"], rest, None)
    body.close()
    assert rest.closed
    assert await whole(body) == b""
    Carried([], None, None).close()
