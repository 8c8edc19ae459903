"""The breaker in whole calls: it opens soon, spares the vendor, tries once a second, and lets traffic return bit by bit.

Time stands still but for what a story lets pass, so a minute of outage takes a moment. Real processes: test_limits.py.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from trunkline.core.flow import Breaker, Fallback, Retry
from trunkline.core.service import Credential, Service
from trunkline.testing import Heard, Trial, answers, fails, service, streams
from trunkline.testing.script import Play, Sent
from trunkline.wire.errors import ConnectRefused, ResetBeforeReply

pytestmark = pytest.mark.row("F3")
GOOD = answers(200, b'{"model":"tiny-1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}')
CHAT = b'{"model":"acme/tiny","messages":[]}'
STREAM = b'{"model":"acme/tiny","stream":true,"messages":[]}'
EVENTS = (b'data: {"model":"tiny-1","choices":[{"delta":{"content":"a"}}]}\n\n', b"data: [DONE]\n\n")
FAULTS: dict[str, Play] = {
    "server error": answers(500, b'{"error":{"message":"no"}}'),
    "overloaded": answers(503, b'{"error":{"message":"busy"}}'),
    "refused": fails(ConnectRefused("nobody accepts"), sent=False),
    "reset": fails(ResetBeforeReply("reset", sent=True)),
    "nonsense": answers(200, b"<html>"),
}


class Vendor:
    """Answers as `play` says at the moment."""

    def __init__(self, spec: Service, play: Play = GOOD) -> None:
        self.play = play
        self.sent_at: list[float] = []
        self.trial = Trial(services=[spec])
        self.trial.wire.plays = self  # type: ignore[assignment]

    def popleft(self) -> Play:
        return self._answer

    def __bool__(self) -> bool:
        return True

    def _answer(self, sent: Sent) -> None:
        self.sent_at.append(self.trial.clock())
        self.play(sent)

    async def asks(self, body: bytes = CHAT) -> Heard:
        return await self.trial.ask("POST", "/v1/chat/completions", body)

    async def offers(self, seconds: float, per_s: int, body: bytes = CHAT) -> Counter[str]:
        """Calls at an even rate; how they ended."""
        before = len(self.trial.ends)
        for _ in range(int(seconds * per_s)):
            await self.asks(body)
            self.trial.clock.advance(1.0 / per_s)
        return Counter(end.code for end in self.trial.ends[before:])

    @property
    def state(self) -> str:
        return self.trial.breaker.state("acme")


def once(**breaker: Any) -> Service:
    """A vendor whose calls are made once, so that what is counted is what was offered."""
    return service(retry=Retry(attempts=1), breaker=Breaker(**breaker))


@pytest.mark.parametrize("fault", list(FAULTS))
@pytest.mark.parametrize("per_s", [4, 50])
async def test_in_a_full_outage_it_opens_within_5_s_or_20_failures(fault: str, per_s: int) -> None:
    vendor = Vendor(once())
    await vendor.offers(20, per_s)
    assert vendor.state == "closed"
    vendor.play, began, failed = FAULTS[fault], vendor.trial.clock(), 0
    while vendor.state == "closed":
        assert failed < 1000
        await vendor.asks()
        vendor.trial.clock.advance(1.0 / per_s)
        failed += 1
    took = vendor.trial.clock() - began
    assert took <= 5.0 + 1e-6 or failed <= 20, (took, failed)
    assert took <= 1.0 + 2.0 / per_s or failed <= 20, "an unbroken run of failures is known after a second"


async def test_in_an_outage_of_a_minute_the_vendor_hears_hardly_more_than_it_was_offered() -> None:
    vendor = Vendor(service(retry=Retry(attempts=4, backoff=0.0)), FAULTS["overloaded"])
    await vendor.offers(2, 20)
    assert vendor.state == "open"
    heard = len(vendor.sent_at)
    ended = await vendor.offers(60, 20)
    after = len(vendor.sent_at) - heard
    assert after <= 1.2 * 60 * 20, "the battery's figure"
    assert after <= 60, "what it is in truth: at most one trial call a second"
    assert ended["circuit_open"] >= 60 * 20 - after
    gaps = [b - a for a, b in zip(vendor.sent_at[heard:], vendor.sent_at[heard + 1 :], strict=False)]
    assert min(gaps) >= 1.0


async def test_it_closes_after_two_good_trial_calls_once_the_vendor_is_back() -> None:
    vendor = Vendor(once(ramp=0.0), FAULTS["overloaded"])
    await vendor.offers(2, 20)
    vendor.play, back, heard = GOOD, vendor.trial.clock(), len(vendor.sent_at)
    while vendor.state != "closed":
        await vendor.offers(0.1, 20)
    assert len(vendor.sent_at) - heard <= 3
    assert vendor.trial.clock() - back <= Breaker().open_for + 1.5
    assert (await vendor.offers(5, 20)) == {"": 100}


async def test_traffic_returns_bit_by_bit() -> None:
    vendor = Vendor(once(ramp=20.0), FAULTS["overloaded"])
    await vendor.offers(2, 20)
    vendor.play = GOOD
    while vendor.state != "returning":
        await vendor.offers(0.1, 20)
    shares = []
    for _ in range(4):
        ended = await vendor.offers(5, 20)
        shares.append(ended[""] / ended.total())
    assert [round(share, 1) for share in shares] == [0.2, 0.4, 0.7, 0.9]
    assert (await vendor.offers(5, 20)) == {"": 100}
    assert vendor.state == "closed"


@pytest.mark.row("F4")
async def test_a_fallback_serves_whom_the_breaker_holds_back_in_the_outage_and_while_traffic_returns() -> (
    None
):
    spec = service(
        retry=Retry(attempts=1),
        breaker=Breaker(ramp=20.0),
        fallback=[Fallback(kind="static", body='{"from":"fallback"}')],
    )
    vendor = Vendor(spec, FAULTS["overloaded"])
    outage = [await vendor.asks() for _ in range(30)]
    vendor.play = GOOD
    while vendor.state != "returning":
        await vendor.offers(0.1, 20)
    ended = await vendor.offers(5, 20)

    assert {(heard.status, heard.body) for heard in outage} == {(200, b'{"from":"fallback"}')}
    assert ended == {"": 100}
    by_fallback = sum("fallback=static" in end.notes for end in vendor.trial.ends[-100:])
    assert 70 <= by_fallback <= 90


async def test_a_vendor_that_falls_over_again_while_traffic_returns_is_spared_at_once() -> None:
    vendor = Vendor(once(), FAULTS["overloaded"])
    await vendor.offers(2, 20)
    vendor.play = GOOD
    while vendor.state != "returning":
        await vendor.offers(0.1, 20)
    vendor.play, heard = FAULTS["overloaded"], len(vendor.sent_at)
    await vendor.offers(5, 20)
    assert len(vendor.sent_at) - heard <= 8
    assert vendor.state in ("open", "half_open")


async def test_streams_are_judged_as_calls_are() -> None:
    vendor = Vendor(once(ramp=0.0), streams(*EVENTS))
    assert (await vendor.offers(5, 20, STREAM)) == {"": 100}
    vendor.play = streams(
        b'data: {"error":{"message":"overloaded","type":"overloaded_error"}}\n\n', end=False
    )
    ended = await vendor.offers(10, 20, STREAM)
    assert ended["circuit_open"] > 50
    vendor.play = streams(*EVENTS)
    vendor.trial.clock.advance(10.0)
    assert (await vendor.asks(STREAM)).whole


async def test_it_is_the_credential_that_is_held_back_while_the_other_serves() -> None:
    spec = service(
        retry=Retry(attempts=2, backoff=0.0, budget_floor=100.0),
        credentials=[
            Credential(ref="env:ACME_KEY"),
            Credential(ref="env:OTHER_KEY", base_url="https://eu.test"),
        ],
    )
    vendor = Vendor(spec)

    def half(sent: Sent) -> None:
        (FAULTS["overloaded"] if sent.field(b"host") == b"eu.test" else GOOD)(sent)

    vendor.play = half
    assert (await vendor.offers(20, 20)) == {"": 400}
    told = {row["credential"]: row["state"] for row in vendor.trial.breaker.told("acme")}
    assert told["env:ACME_KEY"] == "closed"
    assert told["env:OTHER_KEY"] in ("open", "half_open")
    assert vendor.state == "closed"


async def test_a_slow_vendor_is_held_back_though_it_answers_well() -> None:
    vendor = Vendor(once(slow_after=2.0, slow=0.8, volume=3))

    def slowly(sent: Sent) -> None:
        vendor.trial.clock.advance(3.0)
        GOOD(sent)

    vendor.play = slowly
    ended = await vendor.offers(3, 10)
    assert ended["circuit_open"] >= 1
    (circuit,) = vendor.trial.breaker.told("acme")
    assert "took longer than 2 s" in circuit["why"]


async def test_the_callers_mistakes_never_open_it() -> None:
    vendor = Vendor(once(), answers(400, b'{"error":{"message":"bad"}}'))
    ended = await vendor.offers(10, 20)
    assert (ended["circuit_open"], vendor.state) == (0, "closed")
