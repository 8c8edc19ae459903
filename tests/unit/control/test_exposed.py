"""Nothing starts on secrets that others can read (S10 of the battery)."""

from __future__ import annotations

from pathlib import Path

import pytest

from trunkline.control import keys, publish
from trunkline.control.exposed import check_private
from trunkline.control.state import State, StateProblem
from trunkline.core.service import Snapshot

pytestmark = pytest.mark.row("W1")


@pytest.mark.parametrize(
    "name", ["admin.token", "master.key", "secrets.sealed", "control.db", "callers.msgpack"]
)
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_a_file_that_others_can_read_is_refused_with_the_line_that_mends_it(
    state: State, name: str, mode: int
) -> None:
    keys.create(state, keys.Wish(name="web", scopes=["*"]))
    publish.snapshot(state, Snapshot(version="", created="", environment="dev", services=[]))
    publish.sealed(state, {}, {})
    (state.path / "admin.token").touch(0o600)
    check_private(state)
    (state.path / name).chmod(mode)
    with pytest.raises(StateProblem) as refusal:
        check_private(state)
    assert str(refusal.value).endswith(f"Run: chmod 600 {state.path / name}")
    assert f"{name} (mode {mode:04o})" in str(refusal.value)


def test_a_key_that_is_handed_in_has_no_file_to_be_read(state: State) -> None:
    (state.path / "master.key").write_text("x")
    (state.path / "master.key").chmod(0o644)
    check_private(State(state.path, {"TRUNKLINE_MASTER_KEY": "x"}))


def test_an_empty_folder_is_fine(state: State) -> None:
    check_private(state)


@pytest.mark.parametrize(("mode", "refused"), [(0o600, False), (0o640, False), (0o644, True), (0o602, True)])
def test_the_key_of_the_certificate_is_no_secret_when_everybody_reads_it(
    state: State, tmp_path: Path, mode: int, refused: bool
) -> None:
    key = tmp_path / "tls.key"
    key.touch()
    key.chmod(mode)
    if not refused:
        check_private(state, str(key))
        return
    with pytest.raises(StateProblem, match=f"Run: chmod 600 {key}"):
        check_private(state, str(key))
