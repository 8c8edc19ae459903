"""Passwords: which are refused, and that only a strong hash is kept."""

from __future__ import annotations

import pytest

from trunkline.control import passwords
from trunkline.control.passwords import WeakPassword, is_dated, judge, kept, matches

pytestmark = pytest.mark.row("W1")

GOOD = "correct horse battery"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hash that takes no time; its strength is another test's."""
    monkeypatch.setattr(passwords, "LOG_N", 4)


def test_a_password_matches_what_is_kept_of_it_and_nothing_else_does() -> None:
    stored = kept(GOOD)
    assert (matches(GOOD, stored), matches(GOOD + "x", stored), matches("", stored)) == (True, False, False)
    assert stored.startswith("scrypt$ln=15,r=8,p=3$")
    assert GOOD not in stored
    assert kept(GOOD) != stored, "each has a salt of its own"


@pytest.mark.usefixtures("quick")
def test_the_hash_itself_is_no_password() -> None:
    stored = kept(GOOD)
    assert not matches(stored, stored)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "stored", ["", "scrypt$", "plain$x$y$z", f"md5${GOOD}", "scrypt$ln=a,r=8,p=1$AA==$AA==", "$$$"]
)
def test_what_is_no_hash_matches_nothing(stored: str) -> None:
    assert not matches(GOOD, stored)
    assert not matches("", stored)


@pytest.mark.usefixtures("quick")
def test_composed_and_decomposed_letters_are_the_same() -> None:
    assert matches("a\u0308rger im garten", kept("\u00e4rger im garten"))


def test_a_hash_of_older_parameters_still_matches_and_is_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "LOG_N", 12)
    old = kept(GOOD)
    monkeypatch.undo()
    assert (matches(GOOD, old), is_dated(old), is_dated(kept(GOOD))) == (True, True, False)


@pytest.mark.row("W1")
@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("", "has 12 to 256 characters, this one 0"),
        ("short one", "this one 9"),
        ("x" * 257, "this one 257"),
        ("ababababababab", "5 different characters"),
        ("password1234", "common word"),
        ("Trunkline-admin!", "common word"),
        ("administrator1", "common word"),
        ("ana.example!!", "common word"),
        ("changemechangeme", "common word"),
    ],
)
def test_what_is_easily_guessed_is_refused(password: str, said: str) -> None:
    with pytest.raises(WeakPassword, match=said):
        judge(password, "ana.example", "ana.example@shop.test", "admin")


@pytest.mark.parametrize("password", [GOOD, "vier Worte, die keiner kennt", "ana likes marmalade on toast"])
def test_several_words_do(password: str) -> None:
    judge(password, "ana")
