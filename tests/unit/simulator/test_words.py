"""Words, ids and counts that follow from the request alone."""

from hypothesis import given
from hypothesis import strategies as st

from trunkline.simulator import words


def test_an_id_says_that_it_is_simulated_and_follows_from_its_parts() -> None:
    one = words.identifier("ch_", b"body", "1")
    assert one.startswith("ch_sim")
    assert one == words.identifier("ch_", b"body", "1")
    assert one != words.identifier("ch_", b"body", "2")
    assert words.identifier("", "ab", "c") != words.identifier("", "a", "bc")


def test_an_answer_quotes_its_prompt() -> None:
    assert words.answer_to("Why is the sky blue?", 3).startswith(
        "Simulated answer to “Why is the sky blue?”. "
    )


@given(st.text(min_size=1), st.integers(0, 50))
def test_pieces_have_the_wanted_number_and_lose_nothing_by_default(text: str, wanted: int) -> None:
    pieces = words.pieces_of(text, wanted)
    if wanted:
        assert len(pieces) == wanted
    else:
        assert "".join(pieces).rstrip() == text.rstrip()


def test_shortening_tells_why() -> None:
    assert words.shorten("abcdefgh ijkl", 2, []) == ("abcdefgh", "length")
    assert words.shorten("one STOP two", None, ["STOP"]) == ("one ", "stop_sequence")
    assert words.shorten("short", 100, []) == ("short", "stop")
