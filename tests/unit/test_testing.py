"""The test kit: its laws bite, and its script plays what it says."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from trunkline.core.errors import CallError
from trunkline.testing import ENDINGS, FakeClock, ScriptedWire, Trial, answers, check_policy, fails, streams
from trunkline.wire.errors import ConnectRefused, ReplyCut


class Holding:
    """Counts; gives back only what `gives_back` says."""

    def __init__(self, gives_back: Any) -> None:
        self.held = 0
        self._gives_back = gives_back

    def admit(self, subject: Any) -> None:
        self.held += 1

    def settle(self, subject: Any) -> None:
        if self._gives_back(subject):
            self.held -= 1


@pytest.mark.parametrize(
    ("on", "gives_back", "ending"),
    [
        ("call", lambda _: False, "an answer"),
        ("attempt", lambda attempt: attempt.error is None, "a refusal by the vendor"),
        ("attempt", lambda attempt: not attempt.exchange.gone, "a hang-up while waiting"),
        ("call", lambda exchange: exchange.state != "truncated", "a cut stream"),
        ("attempt", lambda attempt: attempt.error is None or attempt.error.code != "deadline_exceeded", "a deadline while waiting"),
        ("attempt", lambda attempt: attempt.error is None or attempt.error.code != "store_unavailable", "a journal that is full"),
        ("attempt", lambda attempt: attempt.error is None or attempt.error.code != "forbidden", "a refusal by a later policy"),
    ],
)  # fmt: skip
async def test_the_law_of_policies_names_the_ending_after_which_something_is_still_held(
    on: Any, gives_back: Any, ending: str
) -> None:
    with pytest.raises(AssertionError, match=f"after {ending}"):
        await check_policy(lambda _: Holding(gives_back), on=on, held=lambda policy: policy.held)


async def test_a_good_policy_keeps_the_law() -> None:
    await check_policy(lambda _: Holding(lambda _: True), on="call", held=lambda policy: policy.held)


async def test_the_example_of_the_how_to() -> None:
    class Third:
        def __init__(self) -> None:
            self.seen = 0

        def admit(self, subject: Any) -> None:
            self.seen += 1
            if self.seen > 2:
                raise CallError("rate_limited", "two are enough", retry_at=None, never_acted=True)

        def settle(self, subject: Any) -> None:
            """Nothing is held."""

    trial = Trial(answers(200, b"{}"), answers(200, b"{}"), attempts=[Third()])
    heard = [
        await trial.ask("GET", "/api/proxy/acme/things", b"", ("x-trunkline-max-attempts", "1"))
        for _ in range(3)
    ]
    assert [one.status for one in heard] == [200, 200, 429]
    assert (len(trial.wire.sent), trial.ends[2].code) == (2, "rate_limited")


def test_the_clock_moves_only_when_told() -> None:
    clock = FakeClock(5.0, 100.0)
    assert (clock(), clock.wall()) == (5.0, 100.0)
    clock.advance(2.5)
    assert (clock(), clock.wall()) == (7.5, 102.5)


async def test_a_script_plays_in_order_and_then_falls_silent() -> None:
    wire = ScriptedWire(answers(201, b"x"), fails(ConnectRefused("no"), sent=False), streams(b"a", b"b"))
    one, two, three, four = (wire.open(None, b"GET", b"GET / HTTP/1.1\r\n\r\n") for _ in range(4))
    assert (await one.ready, await one.read(10), one.status) == (one, b"x", 201)
    with pytest.raises(ConnectRefused):
        await two.ready
    assert (two.sent, await three.read(10)) == (False, b"ab")
    await asyncio.sleep(0)
    assert not four.ready.done()
    four.abort(ReplyCut("given up"))
    assert wire.sent[3].dropped


async def test_what_never_ends_fails_the_test_instead_of_hanging_it() -> None:
    with pytest.raises(AssertionError, match="still not so after"):
        await Trial().ask("GET", "/api/proxy/acme/x")


def test_every_ending_has_a_name_that_reads_as_a_sentence() -> None:
    assert len(ENDINGS) >= 15
    assert all(name.startswith(("a ", "an ", "silence")) for name in ENDINGS)
