"""Backup and restore."""

import tarfile

import pytest

from trunkline.control import archive, audit, keys, kills, published, secrets
from trunkline.control.archive import ArchiveProblem
from trunkline.control.resolving import Resolver
from trunkline.control.state import State
from trunkline.core.idempotency import ANSWER, Kept
from trunkline.journal.answers import Answers

VALUE = "sk-test-not-a-real-key-1"
NOW = 1_800_000_000.0


@pytest.fixture
def registry(tmp_path):
    path = tmp_path / "trunkline.yaml"
    path.write_text("version: 1\nintegrations: {}\n")
    return path


@pytest.fixture
def full(state):
    keys.create(state, keys.Wish(name="web", scopes=["*"]))
    secrets.set_secret(state, "A", VALUE)
    return state


def value_in(state):
    return Resolver(state, {}, state.path).resolve(["store:A"]).values


@pytest.mark.row("X6")
def test_a_backup_with_the_master_key_brings_everything_back_elsewhere(full, registry, tmp_path):
    archive.backup(full, registry, tmp_path / "b.tar", with_master_key=True)
    elsewhere = State(tmp_path / "new" / "state", {})
    done = archive.restore(tmp_path / "b.tar", elsewhere, tmp_path / "new" / "trunkline.yaml")
    assert done["members"] == ["control.db", str(tmp_path / "new" / "trunkline.yaml")]
    assert value_in(elsewhere) == {"store:A": VALUE}
    assert [key.name for key in keys.list_keys(elsewhere)] == ["web"]
    assert len(published.read_callers(elsewhere).keys) == 1
    assert (tmp_path / "new" / "trunkline.yaml").read_text() == registry.read_text()
    assert audit.verify(elsewhere).ok


@pytest.mark.row("X6")
def test_a_backup_never_holds_the_master_key_unless_asked(full, registry, tmp_path):
    manifest = archive.backup(full, registry, tmp_path / "b.tar")
    assert manifest["members"] == ["control.db", "trunkline.yaml"]
    with tarfile.open(tmp_path / "b.tar") as opened:
        assert "master.key" not in opened.getnames()
    content = (tmp_path / "b.tar").read_bytes()
    assert full.master_key().hex().encode() not in content
    assert full.master_key_file.read_bytes().strip() not in content
    assert (tmp_path / "b.tar").stat().st_mode & 0o777 == 0o600


@pytest.mark.row("X6")
def test_a_restore_without_the_key_is_refused_with_the_cure_and_changes_nothing(full, registry, tmp_path):
    archive.backup(full, registry, tmp_path / "b.tar")
    for environ in ({}, {"TRUNKLINE_MASTER_KEY": "ab" * 32}):
        elsewhere = State(tmp_path / "new", environ)
        with pytest.raises(
            ArchiveProblem, match=r"made with the master key .* Give the right one as TRUNKLINE_MASTER_KEY"
        ):
            archive.restore(tmp_path / "b.tar", elsewhere, tmp_path / "other.yaml")
        assert not (tmp_path / "new").exists()
    handed_in = State(tmp_path / "new", {"TRUNKLINE_MASTER_KEY": full.master_key().hex()})
    archive.restore(tmp_path / "b.tar", handed_in, tmp_path / "other.yaml")
    assert value_in(handed_in) == {"store:A": VALUE}


def test_a_restore_over_something_needs_to_be_asked_for(full, registry, tmp_path):
    archive.backup(full, registry, tmp_path / "b.tar")
    secrets.set_secret(full, "A", "a-later-value-1")
    again = State(full.path, {})
    with pytest.raises(ArchiveProblem, match="--replace"):
        archive.restore(tmp_path / "b.tar", again, registry)
    archive.restore(tmp_path / "b.tar", State(full.path, {}), registry, replace=True)
    assert value_in(State(full.path, {})) == {"store:A": VALUE}


def test_a_restore_while_trunkline_runs_is_refused(full, registry, tmp_path):
    from trunkline.control.claim import claim

    archive.backup(full, registry, tmp_path / "b.tar")
    with claim(full), pytest.raises(ArchiveProblem, match=r"Trunkline is running on .* Stop it first."):
        archive.restore(tmp_path / "b.tar", State(full.path, {}), registry, replace=True)


def test_a_backup_never_overwrites(full, registry, tmp_path):
    (tmp_path / "b.tar").write_text("precious")
    with pytest.raises(ArchiveProblem, match="exists already"):
        archive.backup(full, registry, tmp_path / "b.tar")
    assert (tmp_path / "b.tar").read_text() == "precious"


@pytest.mark.parametrize("content", [b"", b"no tar", b"\0" * 10240])
def test_what_is_no_backup_is_refused(state, tmp_path, content):
    (tmp_path / "b.tar").write_bytes(content)
    with pytest.raises(ArchiveProblem, match="is no"):
        archive.restore(tmp_path / "b.tar", state, tmp_path / "x.yaml")


def test_a_cut_backup_is_refused(full, registry, tmp_path):
    archive.backup(full, registry, tmp_path / "b.tar", with_master_key=True)
    whole = (tmp_path / "b.tar").read_bytes()
    (tmp_path / "c.tar").write_bytes(whole[:3000])
    with pytest.raises(ArchiveProblem, match="is no"):
        archive.restore(tmp_path / "c.tar", State(tmp_path / "new", {}), tmp_path / "x.yaml")


def an_answer(state, key=b"k"):
    """Stores an answer under a key, as the gateway does; the store must be closed again."""
    answers = Answers(state.path / "answers", state.keys["answer_key"], background=False)
    answers.open(NOW)
    intent = answers.begin(answers.mark(key), b"f" * 16, "call-1", NOW, NOW + 3600)
    answers.end(intent, ANSWER, 201, Kept(b"content-type: text/plain\r\n", b"kept"))
    answers.close()


def answered(state, key=b"k"):
    answers = Answers(state.path / "answers", state.keys["answer_key"], background=False)
    answers.open(NOW)
    held = answers.find(answers.mark(key), NOW)
    found = answers.read(held).body if held is not None else None
    answers.close()
    return found


@pytest.mark.row("X6", "F2")
def test_kept_answers_come_back(full, registry, tmp_path):
    an_answer(full)
    made = archive.backup(full, registry, tmp_path / "b.tar", with_master_key=True)
    assert [name for name in made["members"] if name.startswith("answers/")] == [
        "answers/000000000001.heads",
        "answers/000000000001.bodies",
    ]
    elsewhere = State(tmp_path / "new", {})
    archive.restore(tmp_path / "b.tar", elsewhere, tmp_path / "x.yaml")
    assert answered(elsewhere) == b"kept"


def test_a_restore_in_place_keeps_newer_answers_and_what_was_said_since(full, registry, tmp_path):
    kills.append(full, "integration", "early")
    an_answer(full)
    archive.backup(full, registry, tmp_path / "b.tar")
    an_answer(full, b"later")
    kills.append(full, "integration", "late")
    archive.restore(tmp_path / "b.tar", State(full.path, {}), registry, replace=True)
    again = State(full.path, {})
    assert (answered(again), answered(again, b"later")) == (b"kept", b"kept")
    assert set(kills.disabled(again)) == {"early", "late"}


def test_a_restore_over_another_installation_leaves_nothing_of_it(full, registry, tmp_path):
    kills.append(full, "integration", "ours")
    an_answer(full)
    archive.backup(full, registry, tmp_path / "b.tar", with_master_key=True)
    other = State(tmp_path / "other", {}).create()
    keys.create(other, keys.Wish(name="theirs", scopes=["*"]))
    an_answer(other, b"theirs")
    kills.append(other, "integration", "theirs")
    (other.path / "resolutions").write_text('{"call":"x","as":"happened"}\n')
    (other.path / "deferrals" / "inbox").mkdir(parents=True)
    (other.path / "deferrals" / "inbox" / "item").write_bytes(b"sealed under their key")
    archive.restore(tmp_path / "b.tar", State(other.path, {}), tmp_path / "x.yaml", replace=True)
    again = State(other.path, {})
    assert (answered(again), answered(again, b"theirs")) == (b"kept", None)
    assert set(kills.disabled(again)) == {"ours"}
    assert not (other.path / "resolutions").exists()
    assert not (other.path / "deferrals" / "inbox").exists()


def test_a_backup_of_the_version_before_is_brought_back(full, registry, tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "FORMAT", 1)
    archive.backup(full, registry, tmp_path / "b.tar", with_master_key=True)
    monkeypatch.setattr(archive, "FORMAT", 3)
    archive.backup(full, registry, tmp_path / "c.tar", with_master_key=True)
    archive.restore(tmp_path / "b.tar", State(tmp_path / "new", {}), tmp_path / "x.yaml")
    with pytest.raises(ArchiveProblem, match="format 3, and this version reads 1 and 2"):
        archive.restore(tmp_path / "c.tar", State(tmp_path / "newer", {}), tmp_path / "x.yaml")
