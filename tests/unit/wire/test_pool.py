"""The pool's bookkeeping, with connections and seekers that are only names."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from trunkline.wire.pool import Change, Pool


@dataclass(eq=False)
class Cable:
    """A connection: fresh until told otherwise, reporting its end to the pool as real ones do."""

    bench: Bench
    fresh: bool = True
    closed: bool = False

    def usable(self, now: float) -> bool:
        return self.fresh

    def close(self) -> None:
        self.closed = True
        self.bench.pool.change(Change.LOST, connection=self)


@dataclass
class Bench:
    """A pool and what it asked for."""

    limit: int = 2
    dialed: list[str] = field(default_factory=list)
    handed: list[tuple[Cable, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pool: Pool[Cable, str] = Pool(
            "https://v:443",
            limit=self.limit,
            dial=self.dialed.append,
            hand=lambda cable, seeker: self.handed.append((cable, seeker)),
            clock=lambda: 0.0,
        )

    @property
    def state(self) -> str:
        return repr(self.pool).removeprefix("<Pool https://v:443 ").removesuffix(f" limit={self.limit}>")

    def connected(self, seeker: str) -> Cable:
        cable = Cable(self)
        self.pool.change(Change.WANTED, seeker=seeker)
        self.pool.change(Change.OPENED, connection=cable, seeker=seeker)
        return cable


def test_the_first_seeker_dials() -> None:
    bench = Bench()
    assert bench.pool.take(0.0) is None
    bench.pool.change(Change.WANTED, seeker="a")
    assert (bench.dialed, bench.state) == (["a"], "idle=0 busy=0 dialing=1 waiting=0")
    bench.pool.change(Change.OPENED, connection=Cable(bench), seeker="a")
    assert bench.state == "idle=0 busy=1 dialing=0 waiting=0"


def test_a_freed_connection_is_taken_again_the_last_one_first() -> None:
    bench = Bench()
    first, second = bench.connected("a"), bench.connected("b")
    bench.pool.give(first)
    bench.pool.give(second)
    assert bench.state == "idle=2 busy=0 dialing=0 waiting=0"
    assert bench.pool.take(0.0) is second
    assert bench.pool.take(0.0) is first
    assert bench.pool.take(0.0) is None
    assert bench.state == "idle=0 busy=2 dialing=0 waiting=0"


def test_a_full_pool_makes_seekers_wait_in_order() -> None:
    bench = Bench()
    first, second = bench.connected("a"), bench.connected("b")
    for seeker in "cde":
        bench.pool.change(Change.WANTED, seeker=seeker)
    assert (bench.dialed, bench.state) == (["a", "b"], "idle=0 busy=2 dialing=0 waiting=3")
    bench.pool.give(second)
    assert bench.handed == [(second, "c")]
    bench.pool.change(Change.LEFT, seeker="d")
    bench.pool.give(first)
    assert bench.handed == [(second, "c"), (first, "e")]
    assert bench.state == "idle=0 busy=2 dialing=0 waiting=0"


def test_who_waits_is_never_overtaken_by_one_who_comes_later() -> None:
    bench = Bench(limit=1)
    bench.pool.idle.append(Cable(bench))
    bench.pool.waiting.append("a")
    assert bench.pool.take(0.0) is None
    bench.pool.change(Change.WANTED, seeker="b")
    assert [seeker for _, seeker in bench.handed] == ["a"]
    assert bench.state == "idle=0 busy=1 dialing=0 waiting=1"


def test_a_lost_connection_makes_room_for_a_dial() -> None:
    bench = Bench(limit=1)
    cable = bench.connected("a")
    bench.pool.change(Change.WANTED, seeker="b")
    cable.close()
    assert (bench.dialed, bench.state) == (["a", "b"], "idle=0 busy=0 dialing=1 waiting=0")


def test_a_failed_dial_makes_room_for_the_next_one() -> None:
    bench = Bench(limit=1)
    bench.pool.change(Change.WANTED, seeker="a")
    bench.pool.change(Change.WANTED, seeker="b")
    bench.pool.change(Change.LEFT, seeker="a")
    assert (bench.dialed, bench.state) == (["a", "b"], "idle=0 busy=0 dialing=1 waiting=0")
    bench.pool.change(Change.LEFT, seeker="b")
    assert (bench.state, bench.pool.empty) == ("idle=0 busy=0 dialing=0 waiting=0", True)


def test_stale_connections_are_closed_instead_of_taken() -> None:
    bench = Bench()
    old, older = bench.connected("a"), bench.connected("b")
    bench.pool.give(older)
    bench.pool.give(old)
    old.fresh = older.fresh = False
    assert bench.pool.take(0.0) is None
    assert (old.closed, older.closed, bench.state) == (True, True, "idle=0 busy=0 dialing=0 waiting=0")


def test_a_connection_that_went_stale_is_not_handed_to_who_waits() -> None:
    bench = Bench(limit=1)
    cable = bench.connected("a")
    bench.pool.change(Change.WANTED, seeker="b")
    cable.fresh = False
    bench.pool.give(cable)
    assert (cable.closed, bench.handed, bench.dialed) == (True, [], ["a", "b"])
    assert bench.state == "idle=0 busy=0 dialing=1 waiting=0"


def test_expiry_closes_what_is_no_longer_usable_and_nothing_else() -> None:
    bench = Bench()
    old, young = bench.connected("a"), bench.connected("b")
    bench.pool.give(old)
    bench.pool.give(young)
    old.fresh = False
    bench.pool.expire(0.0)
    assert (old.closed, young.closed, bench.state) == (True, False, "idle=1 busy=0 dialing=0 waiting=0")


@pytest.mark.parametrize("what", [Change.LOST, Change.LEFT])
def test_leaving_twice_changes_nothing(what: Change) -> None:
    bench = Bench()
    cable = bench.connected("a")
    bench.pool.change(Change.LOST, connection=cable)
    bench.pool.change(what, connection=cable, seeker="a")
    assert bench.state == "idle=0 busy=0 dialing=0 waiting=0"
