"""Writes of one turn of the loop go out together, in order, and never to a closed transport."""

import asyncio
from typing import Any

from trunkline.wire.outbox import Outbox


class Transport:
    def __init__(self, closing: bool = False) -> None:
        self.got: list[bytes] = []
        self.closing = closing

    def is_closing(self) -> bool:
        return self.closing

    def write(self, data: bytes) -> None:
        self.got.append(data)


async def test_what_is_written_goes_out_in_order_once_the_loop_has_served_what_was_ready():
    outbox = Outbox(asyncio.get_running_loop())
    one: Any = Transport()
    other: Any = Transport()
    for transport, data in ((one, b"a"), (other, b"b"), (one, b"c")):
        outbox.write(transport, data)
    assert (one.got, other.got) == ([], [])

    await asyncio.sleep(0)

    assert (one.got, other.got) == ([b"a", b"c"], [b"b"])


async def test_a_flush_by_hand_writes_at_once_and_only_once():
    outbox = Outbox(asyncio.get_running_loop())
    transport: Any = Transport()
    outbox.write(transport, b"a")
    outbox.flush()
    assert transport.got == [b"a"]

    await asyncio.sleep(0)

    assert transport.got == [b"a"]


async def test_a_transport_that_was_closed_meanwhile_gets_nothing():
    outbox = Outbox(asyncio.get_running_loop())
    gone: Any = Transport(closing=True)
    outbox.write(gone, b"a")
    outbox.flush()

    assert gone.got == []
