"""Wrong keys lock their address out of guessing, never out of calling; kills reach the keys that were made with a dead one."""

from __future__ import annotations

from typing import Any

import pytest

from trunkline.core.errors import CallError
from trunkline.core.service import Callers
from trunkline.plugins.policies.access import WRONG_KEYS, Access
from trunkline.testing import KEY, FakeClock, caller_key, request
from trunkline.testing.trial import PEPPER, TOKEN_KEY

pytestmark = pytest.mark.row("W1")


def access(clock: FakeClock, **callers: Any) -> Access:
    made = Callers(**{"version": "1", "keys": [caller_key()], **callers})
    return Access(made, PEPPER, TOKEN_KEY, wall=clock.wall)


def asked(key: str, peer: str = "192.0.2.1") -> Any:
    made = request("GET", "/x", key=key)
    made.peer = peer
    return made


def code(made: Access, request_: Any) -> str:
    try:
        made.identify(request_)
    except CallError as refusal:
        return refusal.code
    return "ok"


def flood(made: Access, times: int, peer: str = "192.0.2.1") -> list[str]:
    return [code(made, asked(f"tl_wrong{n}", peer)) for n in range(times)]


def test_after_a_hundred_wrong_keys_further_ones_are_refused_with_a_pause() -> None:
    clock = FakeClock()
    made = access(clock)
    told = flood(made, WRONG_KEYS.failures + 3)
    assert told == ["unauthenticated"] * WRONG_KEYS.failures + ["caller_rate_limited"] * 3
    with pytest.raises(CallError) as caught:
        made.identify(asked("tl_wrong"))
    assert caught.value.retry_at == clock.wall() + WRONG_KEYS.lock_s
    assert "wrong" not in caught.value.message.replace("wrong keys", "")


def test_a_right_key_passes_from_a_locked_address_and_a_wrong_one_from_another_is_just_wrong() -> None:
    clock = FakeClock()
    made = access(clock)
    flood(made, 200)
    assert (code(made, asked(KEY)), code(made, asked("tl_wrong", "192.0.2.2"))) == ("ok", "unauthenticated")


def test_while_locked_no_file_is_looked_at_for_a_wrong_key() -> None:
    clock, looks = FakeClock(), []
    made = access(clock)
    made.refresh = lambda: bool(looks.append(1))
    flood(made, 150)
    assert len(looks) == WRONG_KEYS.failures


def test_the_lock_ends_by_itself_and_is_told_once() -> None:
    clock = FakeClock()
    made = access(clock)
    flood(made, 150)
    assert [(lock.subject, lock.failures) for lock in made.locks] == [
        ("address:192.0.2.1", WRONG_KEYS.failures)
    ]
    clock.advance(WRONG_KEYS.lock_s)
    assert code(made, asked("tl_wrong")) == "unauthenticated"


def test_a_person_lifts_it() -> None:
    clock = FakeClock()
    made = access(clock)
    flood(made, 150)
    lifted = Callers(version="2", keys=[caller_key()], unlocked={"address:192.0.2.1": clock.wall()})
    made.load(lifted, PEPPER, TOKEN_KEY)
    assert code(made, asked("tl_wrong")) == "unauthenticated"


@pytest.mark.parametrize("key", ["tlb_x.y", "tli_x.y", "tl_x"])
def test_forged_tokens_count_as_wrong_keys(key: str) -> None:
    made = access(FakeClock())
    for _ in range(WRONG_KEYS.failures):
        code(made, asked(key))
    assert code(made, asked(key)) == "caller_rate_limited"


def test_a_request_without_any_key_is_nobody_guessing() -> None:
    made = access(FakeClock())
    for _ in range(200):
        assert code(made, asked("")) == "unauthenticated"
    assert made.wrong.total == 0


def test_memory_is_bounded_under_a_flood_from_everywhere() -> None:
    made = access(FakeClock())
    for n in range(20_000):
        code(made, asked("tl_wrong", f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"))
    assert len(made.wrong) <= 10_000


def test_who_kills_a_key_kills_what_was_made_with_it() -> None:
    keys = [
        caller_key("tl_parent", id="parent"), caller_key("tl_child", id="child", parents=["parent"]),
        caller_key("tl_grandchild", id="grandchild", parents=["child", "parent"]), caller_key("tl_other", id="other"),
    ]  # fmt: skip
    made = access(FakeClock(), keys=keys)
    made.dead = frozenset({"parent"})
    assert made.dead == {"parent", "child", "grandchild"}
    assert [code(made, asked(f"tl_{name}")) for name in ("parent", "child", "grandchild", "other")] == [
        *["unauthenticated"] * 3, "ok",
    ]  # fmt: skip
    made.load(
        Callers(version="2", keys=[*keys, caller_key("tl_late", id="late", parents=["child", "parent"])]),
        PEPPER,
        TOKEN_KEY,
    )
    assert code(made, asked("tl_late")) == "unauthenticated"


def test_uses_are_told_by_version_once_each_time() -> None:
    made = access(
        FakeClock(), keys=[caller_key("tl_one", id="k", version=1), caller_key("tl_two", id="k", version=2)]
    )
    for key in ("tl_two", "tl_two"):
        made.identify(asked(key))
    assert [(c.id, c.key.version) for c in made.uses()] == [("k", 2)]
    assert list(made.uses()) == []
    before = made.epoch
    made.identify(asked("tl_one"))
    made.load(Callers(version="2", keys=[]), PEPPER, TOKEN_KEY)
    assert [(c.id, c.key.version) for c in made.uses()] == [("k", 1)], "a reload forgets none"
    assert made.epoch is not before
