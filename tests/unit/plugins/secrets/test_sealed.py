"""The sealed secrets file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.service import Sealed
from trunkline.plugins.secrets.masterkey import MasterKeyProblem
from trunkline.plugins.secrets.sealed import open_sealed, seal, unseal

MASTER = b"m" * 32
CONTENT = Sealed(
    version="v1",
    values={"env:A": "sk-test-not-a-real-key"},
    missing={"env:B": "not set"},
    pepper=b"p",
    token_key=b"t",
)


@pytest.mark.row("S1")
def test_what_was_sealed_opens_with_the_master_key(tmp_path):
    path = tmp_path / "secrets.sealed"
    path.write_bytes(seal(CONTENT, MASTER))
    assert open_sealed(path, MASTER) == CONTENT
    assert b"sk-test" not in path.read_bytes()


def test_another_master_key_is_named_as_such():
    with pytest.raises(MasterKeyProblem, match="is not the one that the stored secrets were made with"):
        unseal(seal(CONTENT, MASTER), b"x" * 32)


@given(st.data())
def test_no_changed_byte_goes_unnoticed(data):
    sealed = seal(CONTENT, MASTER)
    place = data.draw(st.integers(0, len(sealed) - 1))
    bit = data.draw(st.integers(0, 7))
    changed = sealed[:place] + bytes([sealed[place] ^ (1 << bit)]) + sealed[place + 1 :]
    with pytest.raises(MasterKeyProblem):
        unseal(changed, MASTER)


@given(st.integers(min_value=0, max_value=400))
def test_no_cut_goes_unnoticed(length):
    sealed = seal(CONTENT, MASTER)
    if length < len(sealed):
        with pytest.raises(MasterKeyProblem):
            unseal(sealed[:length], MASTER)


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_sealed(tmp_path / "none", MASTER)
