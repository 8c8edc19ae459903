"""What the gateway tells of keys is kept: first and last uses by version, lockouts, issuers to ask again."""

from __future__ import annotations

import pytest

from trunkline.control import audit, keys, lockout
from trunkline.control.key_watch import KeyWatch
from trunkline.control.periods import rfc3339
from trunkline.control.state import State
from trunkline.core.codec import to_pack
from trunkline.core.lockout import Lock
from trunkline.core.uses import FILE_NAME, TokenUse, Uses

NOW = 1_800_000_000.0

pytestmark = pytest.mark.row("W1", "G1")


def tell(state: State, **told: object) -> None:
    state.write(state.path / FILE_NAME, to_pack(Uses(**{"boot": "b", **told})))  # type: ignore[arg-type]


@pytest.fixture
def key(state: State) -> str:
    made = keys.create(state, keys.Wish(name="web", scopes=["*"]), now=NOW)
    keys.rotate(state, made.id, now=NOW)
    return made.id


def events(state: State) -> list[tuple[str, str]]:
    return [
        (row["action"], row["subject"])
        for row in audit.entries(state)
        if "use" in row["action"] or "auth" in row["action"]
    ]


def test_a_first_use_is_an_event_and_later_ones_move_a_time(state: State, key: str) -> None:
    watch = KeyWatch(state)
    assert watch.look() is False
    for at in (NOW + 10, NOW + 20, NOW + 30):
        tell(state, keys={f"{key}:2": at})
        assert watch.look() is True
    assert events(state) == [("key.first_use", key)]
    assert keys.find(state, key, now=NOW).last_used_at == rfc3339(NOW + 30)
    tell(state, keys={f"{key}:1": NOW + 5, f"{key}:2": NOW + 30})
    watch.look()
    assert [row["detail"]["version"] for row in audit.entries(state) if row["action"] == "key.first_use"] == [
        2,
        1,
    ]
    assert keys.find(state, key, now=NOW).last_used_at == rfc3339(NOW + 30)


def test_another_console_takes_over_without_a_second_first_use(state: State, key: str) -> None:
    tell(state, keys={f"{key}:2": NOW + 10})
    KeyWatch(state).look()
    KeyWatch(State(state.path, {})).look()
    assert events(state) == [("key.first_use", key)]


def test_owners_of_tokens_are_kept_too(state: State) -> None:
    watch = KeyWatch(state)
    for at in (NOW, NOW + 60):
        tell(state, tokens={"jwt_corp_1": TokenUse(name="corp:svc", team="shop", at=at)})
        watch.look()
    assert events(state) == [("token.first_use", "jwt_corp_1")]


def test_a_lockout_of_the_gateway_is_written_down_once(state: State, key: str) -> None:
    lock = Lock("address:192.0.2.1", 100, NOW, NOW + 60)
    watch = KeyWatch(state)
    for uses in ({}, {f"{key}:2": NOW}):
        tell(state, locks=[lock], keys=uses)
        watch.look()
    KeyWatch(state).look()
    assert [event for event in events(state) if event[0] == "auth.lockout"] == [
        ("auth.lockout", "address:192.0.2.1")
    ]
    [told] = lockout.listed(state, now=NOW)
    assert (told.plane, told.failures, told.holds) == ("calls", 100, True)


def test_issuers_to_ask_again_are_handed_on(state: State) -> None:
    watch = KeyWatch(state)
    tell(state, issuers=["corp"])
    watch.look()
    assert watch.wanted == {"corp"}


@pytest.mark.parametrize("content", [b"", b"\xc1", b"\x80", b"x" * 100])
def test_a_file_that_cannot_be_read_is_passed_over(state: State, content: bytes) -> None:
    state.write(state.path / FILE_NAME, content)
    assert KeyWatch(state).look() is False
