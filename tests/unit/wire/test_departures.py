"""What leaves in one turn of the loop leaves together, and only over connections that are still good."""

from __future__ import annotations

import asyncio
import socket

from trunkline.wire.departures import Departures


class Going:
    """A connection that notes how it was told to go."""

    def __init__(self) -> None:
        self.told: list[bool] = []

    def depart(self, stirred: bool) -> None:
        self.told.append(stirred)


async def test_all_go_at_the_end_of_the_turn_and_each_hears_whether_its_socket_stirred() -> None:
    departures = Departures(asyncio.get_running_loop())
    pairs = [socket.socketpair() for _ in range(3)]
    quiet, spoke, ended = (Going() for _ in pairs)
    for (ours, _), going in zip(pairs, (quiet, spoke, ended), strict=True):
        departures.watch(ours, going)
        departures.add(going)
    pairs[1][1].send(b"x")
    pairs[2][1].close()
    assert not quiet.told
    await asyncio.sleep(0)
    assert (quiet.told, spoke.told, ended.told) == ([False], [True], [True])
    await asyncio.sleep(0)
    assert quiet.told == [False]
    for ours, theirs in pairs:
        departures.forget(ours)
        ours.close()
        theirs.close()
    departures.close()


async def test_what_is_forgotten_is_not_looked_at() -> None:
    departures = Departures(asyncio.get_running_loop())
    ours, theirs = socket.socketpair()
    departures.watch(ours, Going())
    theirs.send(b"x")
    assert departures.stirred()
    departures.forget(ours)
    assert not departures.stirred()
    ours.close()
    theirs.close()
    departures.close()
