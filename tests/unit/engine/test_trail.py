"""What a failing call remembers of its way."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.engine.test_body import Arriving
from tests.unit.engine.test_plan import OTHER, TEMPLATE
from trunkline.core.call import Live, Member, Target
from trunkline.core.errors import CallError
from trunkline.core.exchange import Attempt, Exchange
from trunkline.engine.body import Carried
from trunkline.engine.diary import tried
from trunkline.engine.trail import Trail
from trunkline.testing import FakeClock, Heard, request, service

LIVE = Live(service())
MEMBERS = [Member(name, 1, None, b"", b"") for name in "ab"]


class Response:
    def __init__(self, sent: bool = True) -> None:
        self.sent = sent


class Way:
    """A call and the failures that it met."""

    def __init__(self, repeat: Any = "always", **changes: Any) -> None:
        self.clock = FakeClock()
        self.exchange = Exchange(request(body=b"{}"), Heard(), "call-1", self.clock(), self.clock.wall())
        self.exchange.repeat = repeat
        for name, value in changes.items():
            setattr(self.exchange, name, value)
        self.exchange.chain = (OTHER, TEMPLATE)
        self.trail = Trail(self.exchange)

    def failed(
        self, code: str, member: int = 0, status: int = 503, refused: bool = False, **more: Any
    ) -> CallError:
        error = CallError(code, "x", source="acme", **more)
        attempt = Attempt(
            self.exchange, Target(LIVE, MEMBERS[member], "tiny"), len(self.exchange.tried) + 1, 0.0
        )
        attempt.error, attempt.status = error, status
        attempt.response = None if refused else Response()
        self.exchange.tried.append(tried(attempt, 0.0))
        self.trail.failed(attempt, error)
        return error


@pytest.mark.row("F1")
def test_attempts_at_one_target_are_counted_anew_at_the_next() -> None:
    way = Way()
    counts = []
    for member in (0, 0, 1, 1, 0):
        way.failed("overloaded", member)
        counts.append((way.trail.here, way.trail.attempts_left, way.trail.next_n))
    assert counts == [(1, 3, 2), (2, 2, 3), (1, 1, 4), (2, 0, 5), (1, -1, 6)]


@pytest.mark.row("F1")
def test_what_was_refused_before_it_was_sent_takes_no_attempt() -> None:
    way = Way(attempts_max=2)
    way.failed("circuit_open", refused=True, status=0)
    assert (way.trail.attempts_left, way.trail.next_n) == (2, 2)


@pytest.mark.row("F1")
def test_a_body_that_has_begun_to_stream_leaves_none() -> None:
    way = Way()
    way.exchange.rest = Carried([], Arriving(b"x"), 1)
    assert way.trail.attempts_left == 4
    way.exchange.rest.started = True
    assert way.trail.attempts_left == 0


def test_links_are_used_up_in_any_order() -> None:
    way = Way()
    assert way.trail.take(1) is TEMPLATE
    assert (way.trail.take(0), way.trail.chain) == (OTHER, ())


def test_a_line_that_is_told_again_replaces_the_first() -> None:
    way = Way(extra=b"x-other: 1\r\n")
    way.trail.tell(b"x-a", "one")
    way.exchange.extra += b"x-later: 2\r\n"
    way.trail.tell(b"x-b", "caf\u00e9")
    way.trail.tell(b"x-a", "two")
    assert way.exchange.extra == b"x-other: 1\r\nx-later: 2\r\nx-b: caf?\r\nx-a: two\r\n"


@pytest.mark.row("F1")
def test_the_earliest_instant_of_all_is_told() -> None:
    way = Way()
    way.failed("rate_limited", retry_at=500.0)
    way.failed("overloaded")
    last = way.failed("rate_limited", retry_at=900.0)
    assert way.trail.final(last).retry_at == 500.0
    assert way.trail.final(CallError("network", "x")).retry_at is None


@pytest.mark.row("F1", "F2")
@pytest.mark.parametrize(
    ("repeat", "key", "minted", "code"),
    [
        ("never", b"", False, "outcome_unknown"),
        ("with_key", b"", False, "outcome_unknown"),
        ("with_key", b"k", True, "outcome_unknown"),
        ("with_key", b"k", False, "rate_limited"),
        ("always", b"", False, "rate_limited"),
    ],
)
def test_an_act_without_an_answer_stays_in_doubt_whatever_came_later(
    repeat: str, key: bytes, minted: bool, code: str
) -> None:
    way = Way(repeat, idempotency_key=key, key_minted=minted)
    way.failed("network", status=0)
    last = way.failed("rate_limited", status=429)
    assert way.trail.final(last).code == code


def test_what_was_free_where_it_was_sent_is_not_in_doubt_elsewhere() -> None:
    way = Way("always")
    way.failed("network", status=0)
    way.exchange.repeat = "never"
    assert way.trail.final(way.failed("rate_limited", member=1, status=429)).code == "rate_limited"
