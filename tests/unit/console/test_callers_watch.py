"""Keys of issuers are fetched in time, again when one was missed, and kept when the issuer is away."""

from __future__ import annotations

import pytest

from trunkline.console.callers_watch import AGAIN_S, FETCH_S, CallersWatch
from trunkline.console.context import Console
from trunkline.control import issuers, publish, published
from trunkline.core.codec import to_pack
from trunkline.core.identity import Issuer, TokenKey
from trunkline.core.service import Snapshot
from trunkline.core.uses import FILE_NAME, Uses
from trunkline.ops import findings
from trunkline.ops.oidc import OidcProblem

pytestmark = pytest.mark.row("W1")

KEYS = [TokenKey(kty="RSA", kid="1", n="AQAB", e="AQAB")]
CORP = Issuer(name="corp", issuer="https://x.test", audience=["a"], algorithms=["RS256"], scopes=["*"])


class Provider:
    """Answers, or does not; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.away = False

    def __call__(self, issuer: str, jwks: str) -> list[TokenKey]:
        self.asked += 1
        if self.away:
            raise OidcProblem("https://x.test cannot be reached")
        return KEYS


class Clock:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(console: Console) -> Clock:
    console.clock = Clock(console.clock())
    publish.snapshot(
        console.state, Snapshot(version="", created="", environment="dev", services=[], issuers=[CORP])
    )
    return console.clock


def live(console: Console) -> list[str]:
    there = published.read_callers(console.state)
    return [one.name for one in there.issuers] if there is not None else []


def test_keys_are_fetched_at_once_and_every_five_minutes(console: Console, clock: Clock) -> None:
    provider = Provider()
    watch = CallersWatch(console, fetch=provider)
    for _ in range(3):
        watch.turn()
    assert (provider.asked, live(console)) == (1, ["corp"])
    clock.now += FETCH_S
    watch.turn()
    assert provider.asked == 2


def test_a_token_with_an_unknown_key_has_them_fetched_again_but_not_at_every_token(
    console: Console, clock: Clock
) -> None:
    provider = Provider()
    watch = CallersWatch(console, fetch=provider)
    watch.turn()
    console.state.write(console.state.path / FILE_NAME, to_pack(Uses(boot="b", issuers=["corp"])))
    watch.turn()
    assert provider.asked == 1
    clock.now += AGAIN_S
    for _ in range(5):
        watch.turn()
    assert provider.asked == 2


def test_an_issuer_that_is_away_is_a_finding_and_keeps_its_keys_for_a_day(
    console: Console, clock: Clock
) -> None:
    provider = Provider()
    watch = CallersWatch(console, fetch=provider)
    watch.turn()
    provider.away = True
    clock.now += FETCH_S
    watch.turn()
    [found] = findings.listed(console.state, kind="issuer")
    assert (found.subject, found.severity, live(console)) == ("corp", "warning", ["corp"])
    clock.now += issuers.KEPT_S
    watch.turn()
    assert live(console) == []
    provider.away = False
    clock.now += AGAIN_S
    watch.turn()
    assert (findings.listed(console.state, kind="issuer"), live(console)) == ([], ["corp"])


def test_one_that_was_never_reached_is_critical(console: Console, clock: Clock) -> None:
    provider = Provider()
    provider.away = True
    CallersWatch(console, fetch=provider).turn()
    assert [found.severity for found in findings.listed(console.state, kind="issuer")] == ["critical"]


def test_what_is_due_is_looked_at_every_hour(console: Console, clock: Clock) -> None:
    looked: list[float] = []
    watch = CallersWatch(console, fetch=Provider(), more=looked.append)
    for _ in range(3):
        watch.turn()
    clock.now += 3600
    watch.turn()
    assert len(looked) == 2
