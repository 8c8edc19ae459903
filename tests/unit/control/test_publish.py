"""The three files that the gateway lives on."""

import pytest

from trunkline.control import key_names, keys, kills, publish, published
from trunkline.core.service import Service, Snapshot
from trunkline.plugins.secrets.masterkey import MasterKeyProblem
from trunkline.plugins.secrets.sealed import open_sealed

NOW = 1_800_000_000.0


def snapshot(*names, created="2026-11-21T00:00:00Z"):
    services = [Service(name=name, base_url="https://x.example") for name in names]
    return Snapshot(version="draft", created=created, environment="prod", services=services)


def inode(path):
    return path.stat().st_ino


def test_a_snapshot_is_published_under_the_hash_of_its_content(state):
    one = publish.snapshot(state, snapshot("a"))
    assert published.read_snapshot(state) == one
    assert len(one.version) == 12
    assert publish.snapshot(state, snapshot("a", "b")).version != one.version


def test_the_same_content_is_not_written_again(state):
    one = publish.snapshot(state, snapshot("a"))
    before = inode(state.snapshot)
    assert publish.snapshot(state, snapshot("a", created="2027-01-01T00:00:00Z")) == one
    assert inode(state.snapshot) == before
    publish.callers(state)
    publish.sealed(state, {"env:A": "a-value"}, {})
    before = inode(state.callers), inode(state.sealed)
    publish.callers(state)
    publish.sealed(state, {"env:A": "a-value"}, {})
    assert (inode(state.callers), inode(state.sealed)) == before


@pytest.mark.row("S1")
def test_credentials_lie_sealed_and_open_with_the_master_key_alone(state):
    publish.sealed(state, {"env:A": "a-test-value"}, {"env:B": "not set"})
    assert b"a-test-value" not in state.sealed.read_bytes()
    there = open_sealed(state.sealed, state.master_key())
    assert (there.values, there.missing) == ({"env:A": "a-test-value"}, {"env:B": "not set"})
    assert (there.pepper, there.token_key) == (state.keys["pepper"], state.keys["token_key"])
    with pytest.raises(MasterKeyProblem):
        open_sealed(state.sealed, b"x" * 32)


def test_a_changed_value_is_a_new_version(state):
    versions = {
        publish.sealed(state, {"env:A": value}, {}).version
        for value in ("one-value", "two-value", "one-value")
    }
    assert len(versions) == 2


def test_files_are_private(state):
    publish.snapshot(state, snapshot("a"))
    publish.callers(state)
    publish.sealed(state, {}, {})
    assert {path.stat().st_mode & 0o777 for path in (state.snapshot, state.callers, state.sealed)} == {0o600}


def test_callers_carry_the_key_under_which_subjects_are_stored(state):
    keys.create(state, keys.Wish(name="a", scopes=["*"]), now=NOW)
    assert published.read_callers(state).subject_salt == state.keys["subject_salt"]


@pytest.mark.row("O2")
def test_names_of_keys_that_have_ended_are_told_as_long_as_budgets_may_count_them(state):
    made = {
        name: keys.create(state, keys.Wish(name=name, scopes=["*"], expires_at=expires), now=NOW).id
        for name, expires in (("alive", 0.0), ("revoked", 0.0), ("expired", NOW + 60), ("killed", 0.0))
    }
    keys.revoke(state, "revoked", now=NOW + 1)
    kills.append(state, "key", made["killed"])
    soon = publish.callers(state, now=NOW + 3600)
    assert [key.name for key in soon.keys] == ["alive"]
    assert soon.former == {made[name]: name for name in ("revoked", "expired", "killed")}
    keys.create(state, keys.Wish(name="revoked", scopes=["*"]), now=NOW + 3600)
    late = publish.callers(state, now=NOW + key_names.REMEMBERED_S + 3600)
    assert late.former == {made["killed"]: "killed"}, "no row tells yet when that was"


def test_of_keys_that_have_ended_the_reason_is_published_for_a_while_of_revoked_ones_none(state):
    for name in ("expires", "rotated", "revoked"):
        keys.create(
            state,
            keys.Wish(name=name, scopes=["*"], expires_at=NOW + 10 if name == "expires" else 0),
            now=NOW,
        )
    keys.rotate(state, "rotated", overlap_s=10, now=NOW)
    keys.revoke(state, "revoked", now=NOW)

    def told(at):
        return sorted((one.name, one.why) for one in publish.callers(state, now=at).ended)

    assert told(NOW) == []
    assert told(NOW + 11) == [("expires", "has expired"), ("rotated", "was rotated")]
    assert told(NOW + 11 + publish.ENDED_TOLD_S) == []
