"""The master key: forms, places, derived keys."""

import base64

import pytest

from trunkline.plugins.secrets import masterkey
from trunkline.plugins.secrets.masterkey import MasterKeyProblem

KEY = bytes(range(1, 33))


@pytest.mark.parametrize(
    "text",
    [
        KEY.hex(),
        KEY.hex().upper(),
        base64.b64encode(KEY).decode(),
        base64.urlsafe_b64encode(KEY).decode().rstrip("="),
        f"  {KEY.hex()}\n",
    ],
)
def test_a_key_is_read_in_each_form(text):
    assert masterkey.parse(text, "here") == KEY


@pytest.mark.parametrize(
    "text", ["", "password", KEY.hex()[:-2], base64.b64encode(KEY + b"x").decode(), "ü" * 32, "=" * 44]
)
def test_a_text_of_another_form_is_refused_without_being_shown(text):
    with pytest.raises(MasterKeyProblem) as problem:
        masterkey.parse(text, "TRUNKLINE_MASTER_KEY")
    assert "in TRUNKLINE_MASTER_KEY has the wrong form. It must be 32 random bytes" in str(problem.value)
    assert len(text) < 4 or text not in str(problem.value)


@pytest.mark.row("S2")
def test_the_variable_wins_over_the_named_file_and_that_over_the_folder(tmp_path):
    named = tmp_path / "named"
    named.write_text("bb" * 32)
    named.chmod(0o600)
    own = masterkey.write_new(tmp_path / "master.key")
    environ = {"TRUNKLINE_MASTER_KEY": "aa" * 32, "TRUNKLINE_MASTER_KEY_FILE": str(named)}
    assert masterkey.read(tmp_path, environ) == b"\xaa" * 32
    del environ["TRUNKLINE_MASTER_KEY"]
    assert masterkey.read(tmp_path, environ) == b"\xbb" * 32
    assert masterkey.read(tmp_path, {}) == own
    assert masterkey.read(tmp_path / "elsewhere", {}) is None


def test_a_named_file_that_is_not_there_is_no_reason_to_make_a_key(tmp_path):
    with pytest.raises(MasterKeyProblem, match="There is no master key file"):
        masterkey.read(tmp_path, {"TRUNKLINE_MASTER_KEY_FILE": str(tmp_path / "none")})


@pytest.mark.row("S2")
@pytest.mark.parametrize(
    ("mode", "usable"), [(0o600, True), (0o400, True), (0o640, True), (0o604, False), (0o666, False)]
)
def test_a_file_that_every_user_reads_is_refused(tmp_path, mode, usable):
    path = tmp_path / "key"
    path.write_text(KEY.hex())
    path.chmod(mode)
    if usable:
        assert masterkey.read_file(path) == KEY
    else:
        with pytest.raises(MasterKeyProblem, match=f"chmod 600 {path}"):
            masterkey.read_file(path)


def test_an_existing_key_is_never_replaced(tmp_path):
    first = masterkey.write_new(tmp_path / "key")
    with pytest.raises(FileExistsError):
        masterkey.write_new(tmp_path / "key")
    assert masterkey.read_file(tmp_path / "key") == first


def test_derived_keys_differ_by_purpose_and_by_key():
    made = {masterkey.derive(key, purpose) for key in (KEY, KEY[::-1]) for purpose in ("wrap", "sealed file")}
    assert len(made) == 4
    assert masterkey.key_id(KEY) == masterkey.key_id(KEY)
    assert masterkey.key_id(KEY) not in KEY.hex()


def test_derivation_is_hkdf():
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    assert masterkey.derive(KEY, "wrap") == HKDF(SHA256(), 32, b"trunkline", b"wrap").derive(KEY)
