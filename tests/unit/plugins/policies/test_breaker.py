"""Each credential has its circuit, each ailing model its own; attempts are counted once, for the breaker and for health."""

from __future__ import annotations

from typing import Any

import pytest

from trunkline.core.call import UNWATCHED, Live, Member, Target
from trunkline.core.errors import KINDS, CallError
from trunkline.core.exchange import Attempt, Exchange
from trunkline.core.flow import Breaker as Settings
from trunkline.plugins.policies.breaker import Breaker, Seen, outcome_of
from trunkline.testing import FakeClock, Heard, Trial, answers, request, service

pytestmark = pytest.mark.row("F3")
ONCE = Settings(volume=1, open_for=5.0, ramp=0.0)


class Stage:
    """A breaker, and targets of one integration."""

    def __init__(self, settings: Settings = ONCE) -> None:
        self.clock = FakeClock()
        self.breaker = Breaker(self.clock, self.clock.wall)
        self.live = Live(service(breaker=settings))
        self.members = {name: Member(name, 1, None, b"", b"") for name in ("env:A", "env:B")}
        self.live.members = list(self.members.values())

    def attempt(self, error: CallError | None = None, credential: str = "env:A", model: str = "") -> Attempt:
        member = self.members[credential]
        target = member.targets.setdefault(model, Target(self.live, member, model))
        made = Attempt(Exchange(request(), Heard(), "call-1", 1.0, 2.0), target, 1, self.clock())
        made.error, made.response = error, object()
        return made

    def ends(self, error: CallError | None = None, credential: str = "env:A", model: str = "") -> str:
        """One attempt from its admission to its end: `sent`, or the code of the refusal."""
        made = self.attempt(error, credential, model)
        try:
            self.breaker.admit(made)
        except CallError as refusal:
            return refusal.code
        self.breaker.settle(made)
        return "sent"


def failure(code: str = "server_error", **more: Any) -> CallError:
    return CallError(code, "x", source="acme", **more)


@pytest.mark.parametrize("code", list(KINDS))
def test_only_what_speaks_of_the_target_opens_it(code: str) -> None:
    stage = Stage()
    stage.ends(failure(code))
    assert stage.breaker.state("acme") == ("open" if KINDS[code].trips else "closed")


@pytest.mark.row("H1")
@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("overloaded", "bad"),
        ("network", "bad"),
        ("rate_limited", "ailing"),
        ("auth_invalid", "ailing"),
        ("invalid_request", "other"),
        ("not_found", "other"),
        ("declined", "other"),
        ("content_policy", "other"),
    ],
)
def test_a_callers_mistake_is_not_the_vendors_failure(code: str, outcome: str) -> None:
    stage = Stage(Settings())
    stage.ends(failure(code))
    failed = outcome in ("bad", "ailing")
    assert outcome_of(stage.attempt(failure(code))) == outcome
    assert stage.breaker.seen("acme") == Seen(
        1, int(failed), 1, int(failed), 0.0, stage.clock() if failed else 0.0, code if failed else ""
    )


def test_our_own_refusals_and_callers_that_left_say_nothing() -> None:
    stage = Stage()
    stage.ends(CallError("network", "x", source="trunkline"))
    gone = stage.attempt(failure("network"))
    gone.exchange.gone = True
    stage.breaker.admit(gone)
    stage.breaker.settle(gone)
    unsent = stage.attempt(CallError("queue_full", "x"))
    unsent.response = None
    stage.breaker.admit(unsent)
    stage.breaker.settle(unsent)
    assert (stage.breaker.state("acme"), repr(stage.breaker)) == ("closed", "Breaker({})")
    assert stage.breaker.seen("acme") == Seen(attempts=2, calls=2)


def test_good_attempts_are_counted_without_being_looked_at() -> None:
    stage = Stage(Settings())
    for _ in range(3):
        stage.ends()
        stage.clock.advance(30.0)
    seen = stage.breaker.seen("acme")
    assert (seen.attempts, seen.calls, seen.errors, seen.ok_at) == (3, 1, 0, stage.clock() - 30.0)


def test_figures_add_up_over_credentials() -> None:
    stage = Stage(Settings())
    stage.ends()
    stage.clock.advance(1.0)
    stage.ends(failure("network"), credential="env:B")
    assert stage.breaker.seen("acme") == Seen(2, 1, 2, 1, stage.clock() - 1.0, stage.clock(), "network")
    assert stage.breaker.seen("unheard of") == Seen()


async def test_an_open_circuit_refuses_with_the_instant_of_the_next_trial() -> None:
    spec = service(breaker=Settings(volume=1, open_for=5.0, probes=1, ramp=0.0))
    trial = Trial(answers(500, b"{}"), answers(200, b"{}"), services=[spec])
    await trial.ask("POST", "/api/proxy/acme/x", b"{}")
    held = await trial.ask("POST", "/api/proxy/acme/x", b"{}")
    assert (held.status, held.field(b"retry-after"), len(trial.wire.sent)) == (503, b"5", 1)
    assert trial.ends[1].code == "circuit_open"
    trial.clock.advance(5.0)
    assert (await trial.ask("POST", "/api/proxy/acme/x", b"{}")).status == 200
    assert trial.breaker.state("acme") == "closed"


def test_what_is_refused_while_traffic_returns_says_so() -> None:
    stage = Stage(Settings(volume=1, open_for=5.0, probes=1, ramp=20.0))
    stage.ends(failure())
    stage.clock.advance(5.0)
    assert stage.ends() == "sent"
    with pytest.raises(CallError, match="only 10% of calls are let through yet") as refused:
        stage.breaker.admit(stage.attempt())
    assert (refused.value.code, refused.value.retry_at) == ("circuit_open", stage.clock.wall() + 1.0)
    assert stage.breaker.state("acme") == "returning"


def test_it_is_not_bypassed_because_all_are_open() -> None:
    stage = Stage()
    for credential in ("env:A", "env:B"):
        stage.ends(failure(), credential)
    assert [stage.ends(None, c) for c in ("env:A", "env:B") * 3] == ["circuit_open"] * 6


@pytest.mark.row("R10")
def test_each_credential_has_its_own_circuit_and_the_integration_is_open_only_when_all_are() -> None:
    stage = Stage()
    stage.ends(None, "env:B")
    stage.ends(failure(), "env:A")
    assert (stage.breaker.state("acme"), stage.ends(None, "env:A"), stage.ends(None, "env:B")) == (
        "closed",
        "circuit_open",
        "sent",
    )
    for _ in range(2):
        stage.ends(failure(), "env:B")
    assert (stage.breaker.state("acme"), stage.breaker.state("unheard of")) == ("open", "closed")
    stage.breaker.keep({"acme": {"env:B"}})
    assert [row["credential"] for row in stage.breaker.told("acme")] == ["env:B"]
    stage.breaker.keep({})
    assert stage.breaker.state("acme") == "closed"


@pytest.mark.row("A3")
def test_a_failure_that_speaks_of_the_model_holds_back_that_model_only() -> None:
    stage = Stage(Settings(volume=2, open_for=5.0, probes=1, ramp=0.0))
    for _ in range(2):
        stage.ends(failure("overloaded", scope="model"), model="big")
    assert [stage.ends(None, model=name) for name in ("big", "small", "")] == ["circuit_open", "sent", "sent"]
    assert stage.breaker.state("acme") == "closed"
    with pytest.raises(CallError, match="acme/big failed too often") as refused:
        stage.breaker.admit(stage.attempt(model="big"))
    assert refused.value.scope == "model"
    told = stage.breaker.told("acme")
    assert [(row["model"], row["state"], row["failures"]) for row in told] == [
        (None, "closed", 2),
        ("big", "open", 2),
    ]

    stage.clock.advance(5.0)
    assert stage.ends(None, model="big") == "sent"
    assert [row["state"] for row in stage.breaker.told("acme")] == ["closed", "closed"]
    stage.clock.advance(60.0)
    stage.ends(None, model="small")
    assert [row["model"] for row in stage.breaker.told("acme")] == [None]
    assert stage.attempt().target.circuit.plain


def test_slow_answers_are_judged_by_their_first_byte_without_our_own_waiting() -> None:
    stage = Stage(Settings(volume=2, slow_after=2.0, slow=0.5))

    def answered(after_s: float, queued_s: float = 0.0) -> None:
        made = stage.attempt()
        stage.breaker.admit(made)
        made.sent_at = made.started + queued_s
        made.first_byte_at = made.started + after_s
        stage.breaker.settle(made)

    answered(1.9)
    answered(60.0, queued_s=59.0)
    assert stage.breaker.state("acme") == "closed"
    answered(2.1)
    answered(2.1)
    assert stage.breaker.state("acme") == "open"


def test_who_lost_patience_with_a_slow_vendor_counts_as_a_slow_call() -> None:
    stage = Stage(Settings(volume=1, slow_after=2.0, slow=0.5))
    made = stage.attempt(CallError("deadline_exceeded", "x"))
    stage.breaker.admit(made)
    made.sent_at = stage.clock()
    stage.clock.advance(3.0)
    stage.breaker.settle(made)
    assert stage.breaker.state("acme") == "open"


def test_an_answer_that_began_well_is_proof_before_it_ends() -> None:
    stage = Stage(Settings(volume=1, open_for=5.0, probes=2, ramp=0.0))
    stage.ends(failure())
    stage.clock.advance(5.0)
    stream = stage.attempt()
    stage.breaker.admit(stream)
    stream.first_byte_at, stream.status = stage.clock(), 200
    stage.clock.advance(1.0)
    assert stage.ends() == "sent"
    assert stage.breaker.state("acme") == "closed"
    stage.breaker.settle(stream)
    assert stage.breaker.state("acme") == "closed"


def test_a_trial_call_that_never_left_gives_its_place_back() -> None:
    stage = Stage()
    stage.ends(failure())
    stage.clock.advance(5.0)
    waiting = stage.attempt(CallError("queue_timeout", "x"))
    waiting.response = None
    stage.breaker.admit(waiting)
    stage.breaker.settle(waiting)
    assert stage.ends() == "circuit_open"
    stage.clock.advance(1.0)
    assert stage.ends() == "sent"


def test_new_settings_of_a_reload_reach_the_circuit_that_stays() -> None:
    stage = Stage(Settings())
    stage.ends()
    before = stage.attempt().target.circuit
    stage.live = Live(service(breaker=ONCE))
    stage.members["env:A"].targets.clear()
    assert stage.attempt().target.circuit is UNWATCHED
    stage.ends(failure())
    assert stage.attempt().target.circuit is before
    assert stage.breaker.state("acme") == "open"


def test_what_is_told_of_an_open_circuit() -> None:
    stage = Stage()
    stage.ends(failure())
    stage.clock.advance(2.0)
    assert stage.breaker.told("acme") == [
        {
            "credential": "env:A",
            "model": None,
            "state": "open",
            "attempts": 1,
            "failures": 1,
            "opened": 1,
            "since_s": 2.0,
            "why": "1 of 1 attempts within 10 s failed",
            "share": 0.0,
            "retry_at": round(stage.clock.wall() + 3.0, 3),
        }
    ]


def test_once_the_time_is_over_all_traffic_has_returned_though_nobody_has_called_since() -> None:
    stage = Stage(Settings(volume=1, open_for=5.0, probes=1, ramp=20.0))
    stage.ends(failure())
    stage.clock.advance(5.0)
    stage.ends()
    states = []
    for seconds in (0.0, 19.0, 1.0):
        stage.clock.advance(seconds)
        states.append((stage.breaker.state("acme"), stage.breaker.told("acme")[0]["state"]))
    assert states == [("returning", "returning")] * 2 + [("closed", "closed")]


def test_a_model_that_nobody_calls_any_more_is_forgotten() -> None:
    stage = Stage(Settings(volume=1, open_for=5.0))
    stage.ends(failure("overloaded", scope="model"), model="big")
    stage.clock.advance(800.0)
    stage.ends(None, model="small")
    assert [row["model"] for row in stage.breaker.told("acme")] == [None, "big"]
    stage.clock.advance(200.0)
    stage.ends(None, model="small")
    assert [row["model"] for row in stage.breaker.told("acme")] == [None]
    assert not stage.attempt(model="small").target.circuit.held
