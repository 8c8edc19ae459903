"""After any ending of a call every policy's counters are back, each admission is settled once and in reverse, and the call has
exactly one Begin and one End in the journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Literal

import pytest

from trunkline.core.deferral import Deferred
from trunkline.core.errors import CallError
from trunkline.core.exchange import Attempt
from trunkline.core.flow import Budget as Money
from trunkline.core.flow import Cache, CallerLimit, Fallback, Limit, Scope
from trunkline.core.ports import Policy
from trunkline.core.service import Callers
from trunkline.engine.limits_told import limits_told
from trunkline.gateway.caching import relevance
from trunkline.plugins.policies.access import Access
from trunkline.plugins.policies.breaker import Breaker
from trunkline.plugins.policies.budget import Budget
from trunkline.plugins.policies.cache import AnswerCache
from trunkline.plugins.policies.caller_limits import CallerLimits
from trunkline.plugins.policies.deferral import Deferral
from trunkline.plugins.policies.queue import Queue
from trunkline.plugins.policies.quota import Quota
from trunkline.testing import ENDINGS, FakeClock, Trial, caller_key, check_policy, service
from trunkline.testing.laws import CHAT, Refusing


async def accepting(call: Deferred) -> None:
    """Takes every deferred call."""


def limits(clock: FakeClock) -> CallerLimits:
    made = CallerLimits(clock, clock.wall)
    declared = [CallerLimit(name="places", concurrency=2), CallerLimit(name="tokens", tokens=10**9)]
    made.load(declared, [caller_key()])
    return made


def budget(clock: FakeClock) -> Budget:
    made = Budget(clock.wall)
    made.load([Money(name="all", usd=1000.0), Money(name="each", usd=1000.0, scope=Scope(each="team"))], [])
    return made


LIMITED = service(limits=[Limit(concurrency=1), Limit(requests=1000, per=1.0)], cache=Cache(ttl=60.0))
On = Literal["call", "attempt"]
POLICIES: list[tuple[Callable[[FakeClock], Policy[Any]], On]] = [
    (lambda clock: Access(Callers(version="1", keys=[]), b"p", b"t", wall=clock.wall), "call"),
    (lambda clock: Quota(clock.wall), "call"),
    (limits, "call"),
    (budget, "call"),
    (lambda clock: AnswerCache(clock, relevance(), 1 << 20), "call"),
    (lambda clock: Deferral(accepting, clock.wall), "call"),
    (lambda clock: Breaker(clock, clock.wall), "attempt"),
    (lambda clock: Queue(clock, clock.wall, limits_told), "attempt"),
]


@pytest.mark.row("F6")
@pytest.mark.parametrize(
    ("make", "on"),
    POLICIES,
    ids=["access", "quota", "limits", "budget", "cache", "deferral", "breaker", "queue"],
)
async def test_after_any_ending_a_policy_is_back_where_it_was(
    make: Callable[[FakeClock], Policy[Any]], on: On
) -> None:
    await check_policy(make, on=on, vendor=LIMITED)


class Noting:
    """Notes when it is admitted and settled, and refuses when told."""

    def __init__(self, name: str, notes: list[tuple[str, str, object]], refuses: bool = False) -> None:
        self.name, self.notes, self.refuses = name, notes, refuses

    def admit(self, subject: object) -> None:
        if self.refuses:
            raise CallError("forbidden", "refused")
        self.notes.append(("admit", self.name, subject))

    def settle(self, subject: object) -> None:
        self.notes.append(("settle", self.name, subject))


def settled_in_reverse(notes: list[tuple[str, str, object]]) -> bool:
    """Whether every subject's settles mirror its admits."""
    for subject in {id(s): s for _, _, s in notes}.values():
        admitted = [name for act, name, s in notes if s is subject and act == "admit"]
        settled = [name for act, name, s in notes if s is subject and act == "settle"]
        if settled != admitted[::-1]:
            return False
    return True


def noting(refusing: int) -> tuple[list[tuple[str, str, object]], list[Noting], list[Noting]]:
    notes: list[tuple[str, str, object]] = []
    calls = [Noting(f"call {n}", notes, refuses=n == refusing) for n in range(3)]
    attempts = [Noting(f"attempt {n}", notes, refuses=n + 3 == refusing) for n in range(3)]
    return notes, calls, attempts


@pytest.mark.parametrize("name", list(ENDINGS))
async def test_after_any_ending_each_admission_was_settled_once_and_in_reverse(name: str) -> None:
    notes, calls, attempts = noting(refusing=-1)
    trial = Trial(calls=calls, attempts=attempts)
    await ENDINGS[name](trial)
    assert Counter(act for act, _, _ in notes)["admit"] >= 6
    assert settled_in_reverse(notes), notes


@pytest.mark.row("F4")
@pytest.mark.parametrize("name", [name for name in ENDINGS if name != "a journal that is full"])
async def test_and_so_it_was_where_a_chain_of_fallbacks_is_declared(name: str) -> None:
    notes, calls, attempts = noting(refusing=-1)
    chain = [Fallback(kind="target", target="other"), Fallback(kind="template", body="{}")]
    trial = Trial(services=[service(fallback=chain), service("other")], calls=calls, attempts=attempts)
    await ENDINGS[name](trial)
    assert settled_in_reverse(notes), notes
    (end,) = trial.ends
    assert len(trial.begins) == 1
    assert [tried.n for tried in end.tried] == list(range(1, len(trial.wire.sent) + 1))
    assert len(trial.wire.sent) <= 4


@pytest.mark.parametrize("refusing", range(6))
async def test_a_refusal_settles_just_those_that_had_admitted(refusing: int) -> None:
    notes, calls, attempts = noting(refusing)
    trial = Trial(calls=calls, attempts=attempts)
    heard = await trial.ask("POST", "/v1/chat/completions", CHAT)
    assert (heard.status, trial.wire.sent) == (403, [])
    names = [f"call {n}" for n in range(3)] + [f"attempt {n}" for n in range(3)]
    assert [name for act, name, _ in notes if act == "admit"] == names[:refusing]
    assert settled_in_reverse(notes)


async def test_settling_a_stream_waits_for_its_last_byte() -> None:
    notes, calls, attempts = noting(refusing=-1)
    trial = Trial(lambda sent: sent.begin(), calls=calls, attempts=attempts)
    heard = trial.begin("POST", "/api/proxy/acme/x", b"{}")
    await trial.turn()
    sent = trial.wire.sent[0]
    sent.piece(b"data: 1\n\n")
    await trial.turn()
    assert (heard.body, {act for act, _, _ in notes}) == (b"data: 1\n\n", {"admit"})
    sent.end()
    await trial.until(lambda: heard.whole)
    await trial.turn()
    assert [name for act, name, _ in notes if act == "settle"] == [
        "attempt 2", "attempt 1", "attempt 0", "call 2", "call 1", "call 0",
    ]  # fmt: skip


@pytest.mark.row("O1")
@pytest.mark.parametrize("name", [name for name in ENDINGS if name != "a journal that is full"])
async def test_each_call_of_a_known_caller_has_one_begin_and_one_end(name: str) -> None:
    trial = Trial()
    heard = await ENDINGS[name](trial)
    (begin,), (end,) = trial.begins, trial.ends
    assert begin.call_id == end.call_id
    assert [tried.n for tried in end.tried] == list(range(1, len(trial.wire.sent) + 1))
    assert [again.n for again in trial.agains] == list(range(2, len(trial.wire.sent) + 1))
    assert end.state != "running"
    assert end.status == (heard.status if end.state != "cancelled" or heard.started else 0)


@pytest.mark.row("O1")
async def test_a_call_that_was_refused_before_any_attempt_has_both_records_too() -> None:
    trial = Trial(calls=[Refusing()])
    await trial.ask("POST", "/v1/chat/completions", CHAT)
    (begin,), (end,) = trial.begins, trial.ends
    assert (begin.call_id, begin.target, end.code, end.tried) == (end.call_id, "", "forbidden", [])


async def test_a_refused_attempt_is_told_to_the_policies_before_it() -> None:
    seen: list[str] = []

    class Looking(Noting):
        def settle(self, subject: object) -> None:
            assert isinstance(subject, Attempt)
            seen.append(subject.error.code if subject.error is not None else "")

    trial = Trial(attempts=[Looking("looking", []), Refusing()])
    await trial.ask("POST", "/v1/chat/completions", CHAT)
    assert seen == ["forbidden"]
