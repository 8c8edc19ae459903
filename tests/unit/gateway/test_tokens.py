"""Tokens are fetched off the path of calls: once for all who wait, before the old one ends, and once on a 401."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

import pytest

from trunkline.core.call import Live, Member
from trunkline.core.errors import CallError
from trunkline.core.service import Auth, Credential
from trunkline.engine.world import World
from trunkline.gateway import addresses
from trunkline.gateway.tokens import Tokens
from trunkline.testing import FakeClock, Heard, ScriptedWire, Trial, answers, fails, service
from trunkline.testing.script import Play, Sent, is_silent
from trunkline.wire.errors import ConnectRefused

pytestmark = pytest.mark.row("K2")
CLIENT = Auth(kind="oauth2", token_url="https://login.test/oauth/token?a=1", client_id="app")
REFRESHING = Auth(
    kind="oauth2", grant="refresh_token", token_url="https://login.test/t", client_id="app", refresh="store:R"
)
SECRET = "client-secret-not-real"


def token(text: str = "token-1", life_s: int | None = 3600, **more: Any) -> Play:
    """A token endpoint that gives this one."""
    told = {"access_token": text, "token_type": "bearer", "expires_in": life_s, **more}
    return answers(200, json.dumps(told).encode())


class Stage:
    """Credentials that are fetched, a scripted token endpoint, and the member that calls would use."""

    def __init__(self, *plays: Play, auth: Auth = CLIENT) -> None:
        self.clock = FakeClock()
        self.wire = ScriptedWire(*plays, clock=self.clock)
        self.kept: list[tuple[str, list[str], str]] = []
        self.disk_full = False
        self.tokens = Tokens(
            self.wire,
            lambda spec, url: addresses.address(spec, url, {}),
            clock=self.clock,
            wall=self.clock.wall,
            keep=self._keep,
        )
        self.auth = auth
        self.member = self.world()

    def _keep(self, ref: str, before: Sequence[str], new: str) -> None:
        if self.disk_full:
            raise OSError(28, "No space left on device")
        self.kept.append((ref, list(before), new))

    def world(
        self, secret: str = SECRET, refresh: str = "refresh-1", newer: dict[str, str] | None = None
    ) -> Member:
        """A new version of the registry: the member that new calls use."""
        from trunkline.plugins import auth

        live = Live(service(auth=self.auth))
        member = Member("env:ACME_KEY", 1, None, b"acme.test", b"")
        member.signer = auth.prepare(self.auth, secret)
        live.members = [member]
        self.tokens.adopt([live], {"env:ACME_KEY": secret, "store:R": refresh}, newer)
        return member

    @property
    def state(self) -> str:
        """What a call finds: the token, or the code of the refusal."""
        problem = self.member.problem
        return problem.code if problem is not None else self.member.signer.fields.decode().strip()

    async def settled(self) -> None:
        for _ in range(40):
            await asyncio.sleep(0)
            await asyncio.to_thread(int)

    async def passes(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.tokens.tick(self.clock())
        await self.settled()


async def test_the_token_is_fetched_before_anybody_calls() -> None:
    stage = Stage(token())
    assert stage.state == "secret_unavailable"
    await stage.settled()
    (asked,) = stage.wire.sent
    assert (asked.method, asked.target, asked.field(b"host")) == (b"POST", b"/oauth/token?a=1", b"login.test")
    assert parse_qs(asked.body.decode()) == {"grant_type": ["client_credentials"]}
    assert stage.state == "authorization: Bearer token-1"
    assert stage.member.blotted(b"token-1 and " + SECRET.encode()) == b"*** and ***"
    assert "token-1" not in repr(stage.tokens)


async def test_who_comes_before_the_token_waits_and_all_wait_for_one_request() -> None:
    stage = Stage(token())
    assert stage.member.renewal is not None
    await asyncio.gather(*(stage.member.renewal.ready(5.0) for _ in range(20)))
    assert (stage.state, len(stage.wire.sent)) == ("authorization: Bearer token-1", 1)


async def test_who_has_no_time_does_not_wait() -> None:
    stage = Stage(is_silent)
    assert stage.member.renewal is not None
    await stage.member.renewal.ready(-1.0)
    assert stage.state == "secret_unavailable"
    stage.tokens.stop()


async def test_it_is_replaced_before_it_ends_while_the_old_one_serves() -> None:
    stage = Stage(token(), token("token-2"))
    await stage.settled()
    await stage.passes(3300)
    assert (stage.state, len(stage.wire.sent)) == ("authorization: Bearer token-1", 1)
    await stage.passes(250)
    assert (stage.state, len(stage.wire.sent)) == ("authorization: Bearer token-2", 2)


async def test_a_short_lived_one_is_replaced_after_half_its_life() -> None:
    stage = Stage(token(life_s=20), token("token-2", 20))
    await stage.settled()
    await stage.passes(9)
    assert len(stage.wire.sent) == 1
    await stage.passes(1)
    assert stage.state == "authorization: Bearer token-2"


async def test_an_endpoint_that_is_away_is_asked_again_and_the_old_token_serves_to_its_end() -> None:
    down = fails(ConnectRefused("no address of login.test accepted a connection"), sent=False)
    stage = Stage(token(life_s=120), *[down] * 40)
    await stage.settled()
    for _ in range(119):
        await stage.passes(1)
    assert stage.state == "authorization: Bearer token-1"
    assert 4 <= len(stage.wire.sent) <= 9
    await stage.passes(2)
    await stage.passes(61)
    assert stage.state == "secret_unavailable"
    assert "no address of login.test accepted a connection" in str(stage.member.problem)


async def test_a_refused_client_is_this_integrations_auth_invalid_with_the_cure() -> None:
    stage = Stage(answers(401, b'{"error":"invalid_client"}'), token())
    await stage.settled()
    problem = stage.member.problem
    assert problem is not None
    assert (problem.code, problem.source) == ("auth_invalid", "acme")
    assert "no token for env:ACME_KEY" in problem.message
    assert "check client id and secret" in problem.message
    await stage.passes(10)
    assert len(stage.wire.sent) == 1
    await stage.passes(50)
    assert stage.state == "authorization: Bearer token-1"


async def test_a_silent_endpoint_is_given_up() -> None:
    stage = Stage(is_silent)
    source = stage.member.renewal
    assert source is not None
    await stage.settled()
    stage.wire.sent[0].fail(TimeoutError())
    await stage.settled()
    assert "did not answer within 10 s" in str(stage.member.problem)


async def test_a_reload_keeps_the_token_and_a_new_secret_gets_a_new_one() -> None:
    stage = Stage(token(), token("token-2"))
    await stage.settled()
    first = stage.member
    stage.member = stage.world()
    assert (stage.state, len(stage.wire.sent)) == ("authorization: Bearer token-1", 1)
    stage.member = stage.world(secret="another-secret-not-real")
    await stage.settled()
    assert (stage.state, len(stage.wire.sent)) == ("authorization: Bearer token-2", 2)
    assert first.signer.fields == b"authorization: Bearer token-1\r\n"


async def test_a_running_calls_older_world_gets_the_new_token_too() -> None:
    stage = Stage(token(life_s=20), token("token-2"))
    await stage.settled()
    before = stage.member
    stage.member = stage.world()
    await stage.passes(15)
    assert before.signer.fields == stage.member.signer.fields == b"authorization: Bearer token-2\r\n"


async def test_a_replaced_refresh_token_is_kept_before_the_new_token_is_used() -> None:
    stage = Stage(
        token(refresh_token="refresh-2", life_s=20),
        token("token-2", refresh_token="refresh-3"),
        auth=REFRESHING,
    )
    used_at_keep: list[str] = []
    keep = stage.tokens.keep

    def watching(ref: str, before: Sequence[str], new: str) -> None:
        used_at_keep.append(stage.state)
        keep(ref, before, new)

    stage.tokens.keep = watching
    await stage.settled()
    await stage.passes(15)
    assert [parse_qs(sent.body.decode())["refresh_token"] for sent in stage.wire.sent] == [
        ["refresh-1"],
        ["refresh-2"],
    ]
    assert stage.kept == [
        ("store:R", ["refresh-1"], "refresh-2"),
        ("store:R", ["refresh-1", "refresh-2"], "refresh-3"),
    ]
    assert used_at_keep == ["secret_unavailable", "authorization: Bearer token-1"]


async def test_what_the_store_says_afterwards_is_told_apart() -> None:
    given = [token(refresh_token="refresh-2"), token("token-2"), token("token-3")]
    stage = Stage(*given, auth=REFRESHING)
    await stage.settled()
    for same in ("refresh-1", "refresh-2"):  # not written back yet; written back
        stage.member = stage.world(refresh=same)
        await stage.settled()
    assert len(stage.wire.sent) == 1
    stage.member = stage.world(refresh="set-by-a-person")
    await stage.settled()
    assert parse_qs(stage.wire.sent[-1].body.decode())["refresh_token"] == ["set-by-a-person"]
    assert stage.state == "authorization: Bearer token-2"


async def test_a_store_that_is_one_step_behind_does_not_bring_back_a_dead_refresh_token() -> None:
    """The store has taken over the second one; meanwhile the vendor has given a third."""
    plays = [token(refresh_token="refresh-2", life_s=20), token("token-2", refresh_token="refresh-3")]
    stage = Stage(*plays, token("token-3", refresh_token="refresh-4"), token("token-4"), auth=REFRESHING)
    await stage.settled()
    await stage.passes(15)
    stage.member = stage.world(refresh="refresh-2")
    await stage.settled()
    assert (len(stage.wire.sent), stage.state) == (2, "authorization: Bearer token-2")
    await stage.passes(3590)
    assert parse_qs(stage.wire.sent[-1].body.decode())["refresh_token"] == ["refresh-3"]
    assert stage.kept[-1] == ("store:R", ["refresh-2", "refresh-3"], "refresh-4")
    stage.member = stage.world(refresh="refresh-1")  # a person goes back to it
    await stage.settled()
    assert parse_qs(stage.wire.sent[-1].body.decode())["refresh_token"] == ["refresh-1"]


async def test_many_replacements_that_nobody_takes_over_are_known_by_the_stored_one() -> None:
    plays = [token(f"token-{n}", refresh_token=f"refresh-{n}", life_s=20) for n in range(2, 16)]
    stage = Stage(*plays, auth=REFRESHING)
    await stage.settled()
    for _ in range(13):
        await stage.passes(15)
    ref, before, new = stage.kept[-1]
    assert (ref, new, before[0], before[-1], len(before)) == (
        "store:R",
        "refresh-15",
        "refresh-1",
        "refresh-14",
        7,
    )


async def test_after_a_restart_the_handed_over_refresh_token_is_used_not_the_dead_one_of_the_store() -> None:
    stage = Stage(auth=REFRESHING)
    stage.tokens.stop()
    await stage.settled()
    again = Stage(token("token-9"), auth=REFRESHING)
    again.tokens.adopt([], {})
    again.wire.sent.clear()
    again.member = again.world(newer={"store:R": "refresh-8"})
    await again.settled()
    assert parse_qs(again.wire.sent[-1].body.decode())["refresh_token"] == ["refresh-8"]


async def test_a_full_disk_is_said_and_the_token_serves(capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage(token(refresh_token="refresh-2-not-real"), auth=REFRESHING)
    stage.disk_full = True
    await stage.settled()
    assert stage.state == "authorization: Bearer token-1"
    said = capsys.readouterr().err
    assert "the new refresh token of acme could not be kept" in said
    assert "refresh-2-not-real" not in said


async def test_a_missing_refresh_token_is_said() -> None:
    stage = Stage(auth=REFRESHING)
    stage.member = stage.world(refresh="")
    assert (stage.state, "store:R is missing" in str(stage.member.problem)) == ("secret_unavailable", True)


# Whole calls.


def vendor(status: int, body: bytes = b'{"ok":true}') -> Play:
    return answers(status, body)


class Calls:
    """A gateway whose one vendor wants a token. The wire plays token endpoint and vendor in the order of requests."""

    def __init__(self, *plays: Play) -> None:
        self.trial = Trial(
            *plays, services=[service(auth=CLIENT, credentials=[Credential(ref="env:ACME_KEY")])]
        )
        clock = self.trial.clock
        self.tokens = Tokens(
            self.trial.wire,
            lambda spec, url: addresses.address(spec, url, {}),
            clock=clock,
            wall=clock.wall,
            keep=lambda *_: None,
        )
        world: World = self.trial.gateway.world
        self.tokens.adopt(world.services.values(), {"env:ACME_KEY": SECRET})

    async def ask(self) -> Heard:
        return await self.trial.ask("GET", "/api/proxy/acme/x")

    @property
    def heard_by_vendor(self) -> list[bytes | None]:
        return [sent.field(b"authorization") for sent in self.trial.wire.sent if sent.method == b"GET"]

    @property
    def tokens_asked(self) -> int:
        return sum(sent.method == b"POST" for sent in self.trial.wire.sent)


async def test_a_call_waits_for_the_first_token_and_carries_it() -> None:
    calls = Calls(token(), vendor(200))
    heard = await calls.ask()
    assert (heard.status, calls.heard_by_vendor) == (200, [b"Bearer token-1"])


async def test_a_401_gets_a_new_token_and_one_more_attempt() -> None:
    calls = Calls(token(), vendor(200), vendor(401, b"{}"), token("token-2"), vendor(200))
    await calls.ask()
    calls.trial.clock.advance(100.0)
    heard = await calls.ask()
    assert (heard.status, calls.tokens_asked) == (200, 2)
    assert calls.heard_by_vendor == [b"Bearer token-1", b"Bearer token-1", b"Bearer token-2"]
    assert calls.trial.ends[1].notes == "token=renewed"


async def test_a_second_401_stands() -> None:
    calls = Calls(token(), vendor(200), vendor(401, b"{}"), token("token-2"), vendor(401, b"{}"))
    await calls.ask()
    calls.trial.clock.advance(100.0)
    heard = await calls.ask()
    assert (heard.status, calls.trial.ends[1].code, calls.tokens_asked) == (401, "auth_invalid", 2)


async def test_a_401_on_a_token_just_fetched_is_not_the_tokens_fault() -> None:
    calls = Calls(token(), vendor(401, b"{}"))
    heard = await calls.ask()
    assert (heard.status, calls.tokens_asked, len(calls.heard_by_vendor)) == (401, 1, 1)


async def test_many_401_at_once_cost_one_token() -> None:
    waiting: list[Sent] = []
    calls = Calls(token(), vendor(200), *[waiting.append] * 5, token("token-2"), *[vendor(200)] * 5)
    await calls.ask()
    calls.trial.clock.advance(100.0)
    begun = [calls.trial.begin("GET", "/api/proxy/acme/x") for _ in range(5)]
    await calls.trial.until(lambda: len(waiting) == 5)
    for sent in waiting:
        sent.reply(401, b"{}")
    await calls.trial.until(lambda: all(heard.closed for heard in begun))
    assert ([heard.status for heard in begun], calls.tokens_asked) == ([200] * 5, 2)


async def test_a_call_is_told_why_there_is_no_token() -> None:
    calls = Calls(answers(400, b'{"error":"invalid_scope"}'))
    heard = await calls.ask()
    assert heard.status == 502
    assert b"correct `scopes`" in heard.body
    assert SECRET.encode() not in heard.body
    assert (calls.trial.ends[0].code, calls.trial.ends[0].source) == ("auth_invalid", "acme")


def test_a_failure_of_the_endpoint_helps_a_fallback() -> None:
    assert all(CallError(code, "x").kind.elsewhere for code in ("auth_invalid", "secret_unavailable"))
