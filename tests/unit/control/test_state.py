"""The state folder and its keys."""

import stat

import pytest

from tests.support.store_servers import answering
from trunkline.control.resolving import Resolver
from trunkline.control.state import INSTALLATION_KEYS, State, StateProblem
from trunkline.control.supervise import Supervisor
from trunkline.plugins.secrets.masterkey import MasterKeyProblem
from trunkline.settings import Settings

KEY_A, KEY_B = "aa" * 32, "bb" * 32


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.row("S2")
def test_the_folder_is_private_and_ignored_by_git(state):
    assert mode_of(state.path) == 0o700
    assert (state.path / ".gitignore").read_text() == "*\n"


def test_the_master_key_is_made_once_and_only_its_owner_reads_it(state):
    first = state.master_key()
    assert len(first) == 32
    assert State(state.path, {}).master_key() == first
    assert mode_of(state.master_key_file) == 0o600


def test_a_master_key_from_the_environment_leaves_no_file(tmp_path):
    state = State(tmp_path / "s", {"TRUNKLINE_MASTER_KEY": KEY_A}).create()
    assert state.master_key() == bytes.fromhex(KEY_A)
    assert state.keys.keys() == set(INSTALLATION_KEYS)
    assert not state.master_key_file.exists()


def test_a_master_key_file_that_everybody_reads_is_refused(state):
    state.master_key()
    state.master_key_file.chmod(0o644)
    with pytest.raises(MasterKeyProblem, match=r"is open to every user .* chmod 600"):
        state.master_key()


def test_another_master_key_is_refused_and_named(tmp_path):
    assert State(tmp_path / "s", {"TRUNKLINE_MASTER_KEY": KEY_A}).keys
    with pytest.raises(MasterKeyProblem, match="is not the one that the stored secrets were made with"):
        _ = State(tmp_path / "s", {"TRUNKLINE_MASTER_KEY": KEY_B}).keys


def test_a_lost_master_key_is_said_and_never_replaced_by_a_new_one(state):
    _ = state.keys
    state.master_key_file.unlink()
    with pytest.raises(MasterKeyProblem, match=r"The master key is missing.*Put the key back"):
        State(state.path, {}).master_key()
    assert not state.master_key_file.exists()


def test_the_installations_keys_stay_the_same_and_are_not_in_the_database(state):
    keys = State(state.path, {}).keys
    assert State(state.path, {}).keys == keys
    assert len(set(keys.values())) == len(INSTALLATION_KEYS)
    stored = b"".join(
        path.read_bytes() for path in state.path.iterdir() if path.name.startswith("control.db")
    )
    assert not any(key in stored for key in keys.values())


def test_the_database_is_private(state):
    _ = state.database
    assert mode_of(state.control_db) == 0o600


def test_writing_is_whole_private_and_only_when_something_changed(state):
    target = state.path / "file"
    assert state.write(target, b"one")
    before = target.stat().st_ino
    assert not state.write(target, b"one")
    assert target.stat().st_ino == before
    assert state.write(target, b"two")
    assert (target.read_bytes(), mode_of(target)) == (b"two", 0o600)
    assert [path.name for path in state.path.iterdir() if path.name.startswith(".file")] == []


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StateProblem, match=r"cannot be made .*--state-dir"):
        State(tmp_path / "file" / "s", {}).create()


def test_a_cut_rotation_of_the_master_key_is_finished(state):
    from trunkline.control import secrets

    secrets.set_secret(state, "A", "a-secret-value-1")
    old = state.master_key_file.read_bytes()
    secrets.rotate_master(state)
    # As if the process had died between the commit and the renaming of the key file.
    state.master_key_file.rename(state.path / "master.key.new")
    state.master_key_file.write_bytes(old)
    state.master_key_file.chmod(0o600)
    again = State(state.path, {})
    assert Resolver(again, {}, state.path).resolve(["store:A"]).values == {"store:A": "a-secret-value-1"}
    assert not (state.path / "master.key.new").exists()


KEY = "11" * 32


@pytest.mark.row("S2")
def test_the_master_key_may_lie_in_an_outside_store(tmp_path):
    with answering() as store:
        store.on("GET", "/v3/configs/config/secret", 200, {"value": {"computed": KEY}})
        environ = {
            "TRUNKLINE_MASTER_KEY": "doppler:ops/prd/MASTER_KEY",
            "DOPPLER_API_HOST": store.address,
            "DOPPLER_TOKEN": "dp.st.not-real",
        }
        state = State(tmp_path / "state", environ).create()
        assert state.master_key() == state.master_key() == bytes.fromhex(KEY)
        assert (len(store.seen), state.owns_master_key, state.master_key_file.exists()) == (1, False, False)
        child = Supervisor(Settings(state_dir=str(state.path)), environ, say=print)._child("gateway", "app")
        assert child.environ["TRUNKLINE_MASTER_KEY"] == KEY
        assert "DOPPLER_TOKEN" not in child.environ


@pytest.mark.row("S2")
def test_a_store_that_has_no_master_key_stops_the_command_with_a_sentence(tmp_path):
    with answering() as store:
        environ = {
            "TRUNKLINE_MASTER_KEY": "doppler:o/p/K",
            "DOPPLER_API_HOST": store.address,
            "DOPPLER_TOKEN": "t",
        }
        with pytest.raises(MasterKeyProblem, match="cannot be had from doppler:o/p/K: doppler answered 404"):
            State(tmp_path / "state", environ).master_key()
        store.on("GET", "/v3/configs/config/secret", 200, {"value": {"computed": "no-key"}})
        with pytest.raises(MasterKeyProblem, match="has the wrong form") as wrong:
            State(tmp_path / "state", environ).master_key()
        assert "no-key" not in str(wrong.value)
