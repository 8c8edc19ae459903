from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from trunkline.console.access import COOKIE, Access, admin_token, sign_in_link

NOW = 1_800_000_000.0
TOKEN = "tla_not-a-real-token-but-one-that-is-long-enough"


def access(now: float = NOW) -> Access:
    return Access(TOKEN, lambda text: None, clock=lambda: now)


def link_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["link"][0]


@pytest.mark.row("W1")
def test_the_admin_token_is_made_once_and_kept_private(tmp_path: Path) -> None:
    token = admin_token(tmp_path / "state")
    file = tmp_path / "state" / "admin.token"
    assert (admin_token(tmp_path / "state"), file.read_text(), file.stat().st_mode & 0o777) == (
        token,
        token + "\n",
        0o600,
    )
    assert token.startswith("tla_")
    assert len(token) >= 4 + 43
    assert [path.name for path in file.parent.iterdir()] == ["admin.token"]


def test_tokens_of_two_installations_differ(tmp_path: Path) -> None:
    assert admin_token(tmp_path / "a") != admin_token(tmp_path / "b")


@pytest.mark.parametrize("content", ["", "\n", "secret", "tla_short"])
def test_a_file_that_holds_no_token_is_refused_and_not_believed(tmp_path: Path, content: str) -> None:
    (tmp_path / "admin.token").write_text(content)
    with pytest.raises(ValueError, match="holds no admin token: delete it"):
        admin_token(tmp_path)


@pytest.mark.parametrize(
    ("headers", "role"),
    [
        ({"authorization": f"Bearer {TOKEN}"}, "admin"),
        ({"authorization": f"bearer  {TOKEN} "}, "admin"),
        ({"authorization": TOKEN}, ""),
        ({"authorization": f"Basic {TOKEN}"}, ""),
        ({"authorization": f"Bearer {TOKEN}x"}, ""),
        ({"authorization": "Bearer é"}, ""),
        ({}, ""),
    ],
)
def test_the_token_alone_makes_an_admin(headers: dict[str, str], role: str) -> None:
    assert access().role(headers) == role


def test_a_link_holds_for_ten_minutes_and_a_session_for_twelve_hours() -> None:
    link = link_of(sign_in_link(TOKEN, "http://127.0.0.1:4001", NOW))
    assert access(NOW + 599).open_session(link)
    assert access(NOW + 600).open_session(link) == ""
    cookie = {"cookie": f"x=1; {COOKIE}={access().open_session(link)}"}
    assert access(NOW + 12 * 3600 - 1).role(cookie) == "admin"
    assert access(NOW + 12 * 3600).role(cookie) == ""


def test_a_link_is_no_session_and_a_session_no_link() -> None:
    link = link_of(sign_in_link(TOKEN, "", NOW))
    session = access().open_session(link)
    assert access().role({"cookie": f"{COOKIE}={link}"}) == ""
    assert access().open_session(session) == ""


@pytest.mark.parametrize("forged", ["", ".", "..", "9999999999.x", "9999999999.x.00", "-1.x.y"])
def test_a_forged_link_opens_nothing(forged: str) -> None:
    assert access().open_session(forged) == ""


def test_a_new_token_ends_all_sessions() -> None:
    session = access().open_session(link_of(sign_in_link(TOKEN, "", NOW)))
    other = Access("tla_another-token-after-rotation-long-enough", lambda text: None, clock=lambda: NOW)
    assert other.role({"cookie": f"{COOKIE}={session}"}) == ""
