"""Keys of issuers are kept, handed to the gateway, and dropped when nobody knows any more whether they hold."""

from __future__ import annotations

import pytest

from trunkline.control import issuers, publish, teams
from trunkline.control.issuers import KEPT_S, Kept
from trunkline.control.state import State
from trunkline.core.identity import Issuer, TokenKey
from trunkline.core.service import Snapshot

pytestmark = pytest.mark.row("W1")

NOW = 1_800_000_000.0
KEY = TokenKey(kty="RSA", kid="1", n="AQAB", e="AQAB")
CORP = Issuer(name="corp", issuer="https://x.test", audience=["a"], algorithms=["RS256"], scopes=["*"])


def published(state: State, now: float = NOW) -> list[Issuer]:
    return publish.callers(state, now=now).issuers


@pytest.fixture
def state(state: State) -> State:
    publish.snapshot(state, Snapshot(version="", created="", environment="dev", services=[], issuers=[CORP]))
    return state


def test_an_issuer_is_published_once_its_keys_are_known_and_while_they_hold(state: State) -> None:
    assert published(state) == []
    issuers.keep(state, "corp", Kept(issuer="https://x.test", at=NOW, keys=[KEY]))
    [found] = published(state)
    assert (found.name, found.keys) == ("corp", [KEY])
    assert len(published(state, NOW + KEPT_S - 1)) == 1
    assert published(state, NOW + KEPT_S) == []


def test_keys_of_another_issuer_under_the_same_name_are_not_taken(state: State) -> None:
    issuers.keep(state, "corp", Kept(issuer="https://before.test", at=NOW, keys=[KEY]))
    assert published(state) == []


def test_each_issuer_keeps_its_own(state: State) -> None:
    issuers.keep(state, "corp", Kept(issuer="https://x.test", at=NOW, keys=[KEY]))
    issuers.keep(state, "other", Kept(issuer="https://y.test", at=NOW, keys=[]))
    assert set(issuers.kept(state)) == {"corp", "other"}
    (state.path / issuers.FILE_NAME).write_text("{")
    assert issuers.kept(state) == {}


def test_bounds_of_teams_go_along(state: State) -> None:
    teams.create(state, "shop", scopes=["integration:stripe"], now=NOW)
    teams.create(state, "ops", now=NOW)
    assert publish.callers(state, now=NOW).team_scopes == {"shop": ["integration:stripe"]}
