"""The built-in store: envelopes."""

from dataclasses import replace

import pytest

from trunkline.plugins.secrets import SecretUnavailable
from trunkline.plugins.secrets.masterkey import MasterKeyProblem
from trunkline.plugins.secrets.store import Store, disclose, enclose, rewrap

MASTER, OTHER = b"m" * 32, b"o" * 32
VALUE = b"sk-test-not-a-real-key"
BOUND = {"name": "A", "version": 1, "purpose": "secret"}


def envelope():
    return enclose(VALUE, **BOUND, master_key=MASTER)


@pytest.mark.row("S2")
def test_what_was_enclosed_comes_out_again():
    assert disclose(envelope(), **BOUND, master_key=MASTER) == VALUE


def test_two_envelopes_of_one_value_have_nothing_in_common():
    one, two = envelope(), envelope()
    assert one.ciphertext != two.ciphertext
    assert one.wrapped_key != two.wrapped_key
    assert VALUE not in one.ciphertext + one.wrapped_key


@pytest.mark.row("S2")
@pytest.mark.parametrize("moved", [{"name": "B"}, {"version": 2}, {"purpose": "installation"}])
def test_an_envelope_under_another_name_version_or_purpose_does_not_open(moved):
    with pytest.raises(MasterKeyProblem, match="was changed or moved; it does not open"):
        disclose(envelope(), **{**BOUND, **moved}, master_key=MASTER)


@pytest.mark.parametrize("part", ["ciphertext", "wrapped_key"])
def test_a_flipped_bit_is_noticed(part):
    good = envelope()
    data = bytearray(getattr(good, part))
    for place in range(len(data)):
        changed = bytes(data[:place]) + bytes([data[place] ^ 1]) + bytes(data[place + 1 :])
        with pytest.raises(MasterKeyProblem):
            disclose(replace(good, **{part: changed}), **BOUND, master_key=MASTER)


def test_a_wrong_master_key_is_named_as_such():
    with pytest.raises(MasterKeyProblem, match="is not the one that the stored secrets were made with"):
        disclose(envelope(), **BOUND, master_key=OTHER)


@pytest.mark.row("S2")
def test_rewrapping_changes_the_wrapping_and_not_the_ciphertext():
    before = envelope()
    after = rewrap(before, **BOUND, old=MASTER, new=OTHER)
    assert after.ciphertext == before.ciphertext
    assert disclose(after, **BOUND, master_key=OTHER) == VALUE
    with pytest.raises(MasterKeyProblem):
        disclose(after, **BOUND, master_key=MASTER)


def test_the_source_opens_the_current_version_and_says_what_is_missing():
    rows = {"A": (1, envelope()), "GONE": (3, None)}
    source = Store(rows.get, lambda: MASTER)
    assert source.fetch("A") == VALUE.decode()
    with pytest.raises(
        SecretUnavailable, match=r"the store has no secret of this name. Run: trunkline secrets set B"
    ) as unknown:
        source.fetch("B")
    with pytest.raises(SecretUnavailable, match="was removed from the store") as removed:
        source.fetch("GONE")
    assert (unknown.value.deliberate, removed.value.deliberate) == (False, True)
    assert len({source.stamp(name) for name in ("A", "B", "GONE")}) == 3
