"""The built-in store and the resolving of references."""

import pytest

from trunkline.control import audit, kills, publish, published, secrets
from trunkline.control.resolving import Resolver
from trunkline.control.secrets import SecretProblem
from trunkline.control.state import State
from trunkline.core.service import Credential, Service, Snapshot
from trunkline.plugins.secrets import masterkey
from trunkline.plugins.secrets.masterkey import MasterKeyProblem

VALUE, OTHER = "sk-test-not-a-real-key-1", "sk-test-not-a-real-key-2"
NOW = 1_800_000_000.0


def value_of(state, name):
    return Resolver(State(state.path, {}), {}, state.path).resolve([f"store:{name}"]).values[f"store:{name}"]


def everything(state):
    return b"".join(path.read_bytes() for path in state.path.rglob("*") if path.is_file())


@pytest.mark.row("S2")
def test_a_stored_value_comes_back_and_lies_nowhere_in_plain(state):
    assert secrets.set_secret(state, "CRM_TOKEN", VALUE, now=NOW) == 1
    assert value_of(state, "CRM_TOKEN") == VALUE
    assert VALUE.encode() not in everything(state)


@pytest.mark.row("S2")
def test_what_is_shown_of_a_secret_never_tells_it(state):
    secrets.set_secret(state, "CRM_TOKEN", VALUE, now=NOW)
    [info] = secrets.list_secrets(state)
    assert (info.name, info.version, info.current, info.last4, info.created_at) == (
        "CRM_TOKEN",
        1,
        True,
        "ey-1",
        "2027-01-15T08:00:00Z",
    )
    assert len(info.fingerprint) == 8
    secrets.set_secret(state, "SHORT", "only-15-letters")
    assert {i.name: i.last4 for i in secrets.list_secrets(state)}["SHORT"] == ""


def test_fingerprints_tell_values_apart(state):
    assert secrets.fingerprint(state, VALUE) == secrets.fingerprint(State(state.path, {}), VALUE)
    assert secrets.fingerprint(state, VALUE) != secrets.fingerprint(state, OTHER)


@pytest.mark.row("S2")
def test_versions_count_up_and_an_older_one_can_come_back(state):
    for value in (VALUE, OTHER, "third-value-of-it"):
        secrets.set_secret(state, "A", value)
    assert [(i.version, i.current) for i in secrets.versions(state, "A")] == [
        (1, False),
        (2, False),
        (3, True),
    ]
    assert secrets.revert(state, "A") == 2
    assert value_of(state, "A") == OTHER
    assert secrets.revert(state, "A", 1) == 1
    assert value_of(state, "A") == VALUE
    assert secrets.set_secret(state, "A", "fourth-value") == 4


def test_reverting_to_nothing_is_said(state):
    secrets.set_secret(state, "A", VALUE)
    with pytest.raises(SecretProblem, match=r"A has no version before 1; there are: 1."):
        secrets.revert(state, "A")
    with pytest.raises(SecretProblem, match=r"A has no version 7; there are: 1."):
        secrets.revert(state, "A", 7)


def test_a_removed_secret_is_erased_and_said_to_be_removed(state):
    secrets.set_secret(state, "A", VALUE)
    secrets.remove(state, "A")
    assert secrets.list_secrets(state) == []
    resolved = Resolver(state, {}, state.path).resolve(["store:A"])
    assert resolved.missing == {
        "store:A": "this secret was removed from the store. Run: trunkline secrets set A"
    }
    assert resolved.deliberate == ["store:A"]
    with state.view() as connection:
        assert connection.exec_driver_sql(
            "SELECT DISTINCT ciphertext, wrapped_key FROM secret_versions"
        ).all() == [(b"", b"")]
    assert secrets.set_secret(state, "A", OTHER) == 2
    assert value_of(state, "A") == OTHER


def snapshot_using(ref):
    service = Service(name="crm", base_url="https://crm.example.com", credentials=[Credential(ref=ref)])
    return Snapshot(version="", created="", environment="prod", services=[service])


@pytest.mark.row("S2")
def test_a_secret_in_use_is_not_removed_by_accident(state):
    secrets.set_secret(state, "A", VALUE)
    publish.snapshot(state, snapshot_using("store:A"))
    assert secrets.list_secrets(state)[0].used_by == ["crm"]
    with pytest.raises(SecretProblem, match=r"A is used by crm; .* --force"):
        secrets.remove(state, "A")
    secrets.remove(state, "A", force=True)
    assert secrets.list_secrets(state) == []


@pytest.mark.parametrize("name", ["", "a b", "../x", "-x", "x" * 129])
def test_names_that_cannot_be(state, name):
    with pytest.raises(SecretProblem, match="is no name for a secret"):
        secrets.set_secret(state, name, VALUE)


@pytest.mark.parametrize("value", ["", "  \n", "\n"])
def test_an_empty_value_is_refused(state, value):
    with pytest.raises(SecretProblem, match=r"The value for A is empty; nothing was stored."):
        secrets.set_secret(state, "A", value)


def test_the_line_end_of_an_echo_is_no_part_of_the_value(state):
    secrets.set_secret(state, "A", VALUE + "\n")
    assert value_of(state, "A") == VALUE


@pytest.mark.row("S2")
def test_rotating_the_master_key_rewraps_everything(state):
    secrets.set_secret(state, "A", VALUE)
    pepper, old = state.keys["pepper"], state.master_key()
    publish.sealed(state, {"store:A": VALUE}, {})
    kek_id = secrets.rotate_master(state)
    again = State(state.path, {})
    assert masterkey.key_id(again.master_key()) == kek_id != masterkey.key_id(old)
    assert again.keys["pepper"] == pepper
    assert value_of(state, "A") == VALUE
    assert published.read_sealed(again, again.master_key()).values == {"store:A": VALUE}
    with pytest.raises(MasterKeyProblem, match="is not the one"):
        _ = State(state.path, {"TRUNKLINE_MASTER_KEY": old.hex()}).keys


def test_a_master_key_from_outside_is_replaced_only_by_one_that_is_given(tmp_path):
    state = State(tmp_path / "s", {"TRUNKLINE_MASTER_KEY": "aa" * 32}).create()
    secrets.set_secret(state, "A", VALUE)
    with pytest.raises(SecretProblem, match="--new-key-file"):
        secrets.rotate_master(state)
    secrets.rotate_master(state, bytes.fromhex("bb" * 32))
    after = State(tmp_path / "s", {"TRUNKLINE_MASTER_KEY": "bb" * 32})
    assert Resolver(after, {}, tmp_path).resolve(["store:A"]).values == {"store:A": VALUE}


@pytest.mark.row("S1")
def test_references_of_all_kinds_resolve_and_the_rest_is_said(state, tmp_path):
    secrets.set_secret(state, "A", VALUE)
    (tmp_path / "s.env").write_text(f"B={OTHER}\n")
    resolved = Resolver(state, {"C": "c-value"}, tmp_path).resolve(
        ["store:A", "file:s.env#B", "env:C", "env:D", "vault:x"]
    )
    assert resolved.values == {"store:A": VALUE, "file:s.env#B": OTHER, "env:C": "c-value"}
    assert sorted(resolved.missing) == ["env:D", "vault:x"]
    assert resolved.missing["env:D"].startswith(
        "the variable D is not set in the environment Trunkline was started with. Set D and start"
    )
    assert (
        resolved.missing["vault:x"]
        == "this is no reference to a secret. Begin it with one of env:, file:, store:."
    )
    assert resolved.deliberate == []


@pytest.mark.row("S2")
def test_each_fetch_is_audited_once_per_change_without_the_value(state, tmp_path):
    secrets.set_secret(state, "A", VALUE)
    resolver = Resolver(state, {"C": "c-value"}, tmp_path)
    for _ in range(3):
        resolver.resolve(["store:A", "env:C", "env:missing"])
    secrets.set_secret(state, "A", OTHER)
    resolver.resolve(["store:A", "env:C"])
    fetched = [r for r in audit.entries(state) if r["action"] == "secret.fetch"]
    assert [r["subject"] for r in fetched] == ["env:C", "store:A", "store:A"]
    assert fetched[-1]["detail"] == {"fingerprint": secrets.fingerprint(state, OTHER)}
    assert VALUE not in str(fetched)


@pytest.mark.row("S4")
def test_a_killed_credential_does_not_resolve_until_revived(state):
    resolver = Resolver(state, {"C": "c-value"}, state.path)
    kills.append(state, "credential", "env:C")
    resolved = resolver.resolve(["env:C"])
    assert resolved.missing == {
        "env:C": "it was killed. Bring it back with `trunkline secrets revive env:C`."
    }
    assert resolved.deliberate == ["env:C"]
    kills.append(state, "credential", "env:C", dead=False)
    assert resolver.resolve(["env:C"]).values == {"env:C": "c-value"}


def test_what_was_resolved_shows_no_value_in_its_repr(state):
    resolved = Resolver(state, {"C": "c-value"}, state.path).resolve(["env:C", "env:D"])
    assert repr(resolved) == "Resolved(['env:C'], missing=['env:D'])"


@pytest.mark.row("K2", "S5")
def test_what_uses_a_reference_is_known_refresh_tokens_and_alerts_among_it():
    from trunkline.core.flow import Notify
    from trunkline.core.service import Auth

    login = Auth(kind="oauth2", grant="refresh_token", token_url="https://login.test/t", refresh="store:R")
    services = [Service(name="crm", auth=login, credentials=[Credential(ref="env:A")])]
    told = Notify(webhook="https://hooks.test", webhook_secret="env:A")
    there = Snapshot(version="", created="", environment="dev", services=services, notify=told)
    assert secrets.users(there) == {"env:A": ["crm", "notify"], "store:R": ["crm"]}
