"""What a caller key looks like."""

from hypothesis import given
from hypothesis import strategies as st

from trunkline.control import keytext


def test_a_key_is_a_prefix_256_random_bits_and_a_checksum():
    key = keytext.make()
    assert key.startswith("tl_")
    assert len(key) == 3 + 43 + 6
    assert set(key[3:]) <= set(keytext.ALPHABET)
    assert keytext.is_whole(key)


def test_no_two_keys_are_the_same():
    assert len({keytext.make() for _ in range(200)}) == 200


@given(st.integers(min_value=3, max_value=51), st.sampled_from(keytext.ALPHABET))
def test_a_mistyped_character_is_noticed(place, letter):
    key = keytext.make()
    wrong = key[:place] + letter + key[place + 1 :]
    assert keytext.is_whole(wrong) == (wrong == key)


def test_a_cut_key_is_noticed():
    key = keytext.make()
    assert not any(keytext.is_whole(key[:n]) for n in range(len(key)))


def test_the_hash_depends_on_key_and_pepper():
    assert keytext.key_hash("tl_a", b"p") == keytext.key_hash("tl_a", b"p")
    assert len({keytext.key_hash(k, p) for k in ("tl_a", "tl_b") for p in (b"p", b"q")}) == 4
