"""Who asks the console: token, session, key; and what becomes of wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from trunkline.console.access import COOKIE, FROM, Access, ExposedToken, admin_token
from trunkline.console.identity import Identity
from trunkline.control import lockout, sessions
from trunkline.control.lockout import ADDRESS, LockedOut
from trunkline.control.state import State
from trunkline.core.service import CallerKey
from trunkline.plugins.policies.grants import address_seal

NOW = 1_800_000_000.0
TOKEN = "tla_not-a-real-token-but-one-that-is-long-enough"
HERE = "203.0.113.7"
KEYS = {
    "tl_viewer": CallerKey(id="k1", name="wall", hash=b"1" * 32, role="viewer", team="shop"),
    "tl_operator": CallerKey(id="k2", name="bot", hash=b"2" * 32, role="operator", ips=["10.0.0.0/8"]),
    "tl_plain": CallerKey(id="k3", name="web", hash=b"3" * 32),
    "tl_old": CallerKey(id="k4", name="old", hash=b"4" * 32, role="admin", expires_at=NOW),
}
ADMIN = Identity(kind="token", name="admin", role="admin")


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state", {}).create()


@pytest.fixture
def access(state: State) -> Access:
    return Access(TOKEN, KEYS.get, state, clock=lambda: NOW)


def bearer(text: str) -> dict[str, str]:
    return {"authorization": f"Bearer {text}"}


@pytest.mark.row("W1")
def test_the_admin_token_is_made_once_and_kept_private(tmp_path: Path) -> None:
    token = admin_token(tmp_path / "state")
    file = tmp_path / "state" / "admin.token"
    assert (admin_token(tmp_path / "state"), file.read_text(), file.stat().st_mode & 0o777) == (
        token, token + "\n", 0o600,
    )  # fmt: skip
    assert token.startswith("tla_")
    assert len(token) >= 4 + 43
    assert [path.name for path in file.parent.iterdir()] == ["admin.token"]


def test_tokens_of_two_installations_differ(tmp_path: Path) -> None:
    assert admin_token(tmp_path / "a") != admin_token(tmp_path / "b")


@pytest.mark.parametrize("content", ["", "\n", "secret", "tla_short"])
def test_a_file_that_holds_no_token_is_refused_and_not_believed(tmp_path: Path, content: str) -> None:
    (tmp_path / "admin.token").write_text(content)
    (tmp_path / "admin.token").chmod(0o600)
    with pytest.raises(ValueError, match="holds no admin token: delete it"):
        admin_token(tmp_path)


@pytest.mark.row("W1")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_token_that_others_can_read_is_refused_with_the_cure(tmp_path: Path, mode: int) -> None:
    admin_token(tmp_path)
    (tmp_path / "admin.token").chmod(mode)
    with pytest.raises(ExposedToken, match=rf"\(mode {mode:04o}\). Run: chmod 600 "):
        admin_token(tmp_path)


@pytest.mark.parametrize(
    ("headers", "who"),
    [
        (bearer(TOKEN), ADMIN),
        ({"authorization": f"bearer  {TOKEN} "}, ADMIN),
        ({"authorization": TOKEN}, None),
        ({"authorization": f"Basic {TOKEN}"}, None),
        (bearer(f"{TOKEN}x"), None),
        (bearer("é"), None),
        ({}, None),
        (bearer("tl_viewer"), Identity(kind="key", id="k1", name="wall", role="viewer", teams=("shop",))),
        ({"x-trunkline-key": "tl_plain"}, Identity(kind="key", id="k3", name="web", role="caller")),
        (bearer("tl_operator"), None),
        (bearer("tl_old"), None),
        (bearer("tl_unknown"), None),
        ({"cookie": f"{COOKIE}=tls_unknown"}, None),
        ({"cookie": "=;;\x01"}, None),
    ],
)
def test_the_token_makes_an_admin_and_a_key_what_its_role_says(
    access: Access, headers: dict[str, str], who: Identity | None
) -> None:
    assert access.identify(headers, HERE) == who


def test_a_key_of_some_networks_is_none_from_elsewhere(access: Access) -> None:
    found = access.identify(bearer("tl_operator"), "10.1.2.3")
    assert found == Identity(kind="key", id="k2", name="bot", role="operator")
    assert access.has_scope(bearer("tl_operator"), "metrics:read", "10.1.2.3") is False


def test_a_session_is_its_user_until_it_ends(access: Access, state: State) -> None:
    link = sessions.make_link(state, now=NOW)
    found = sessions.take_link(state, link, address=HERE, now=NOW)
    assert found is not None
    cookie = {"cookie": f"x=1; {COOKIE}={found.cookie}"}
    who = access.identify(cookie, HERE)
    assert who == Identity(kind="session", name="admin", role="admin", session=found.id)
    assert (who.actor, access.is_csrf(who, access.csrf(who)), access.is_csrf(who, "")) == (
        "user:admin",
        True,
        False,
    )
    assert access.still(who, cookie, HERE)
    sessions.revoke(state, session=found.id, now=NOW)
    assert access.identify(cookie, HERE) is None
    assert not access.still(who, cookie, HERE)


def test_csrf_tokens_of_two_sessions_differ(access: Access) -> None:
    one, other = (Identity(kind="session", session=name) for name in ("ses_1", "ses_2"))
    assert access.csrf(one) != access.csrf(other)
    assert not access.is_csrf(one, access.csrf(other))


@pytest.mark.row("W1")
def test_too_many_wrong_tokens_are_refused_unlooked_at_and_right_ones_still_pass(
    access: Access, state: State
) -> None:
    for n in range(ADDRESS.failures):
        assert access.identify(bearer(f"tla_wrong{n}"), HERE) is None
    with pytest.raises(LockedOut):
        access.identify(bearer("tl_wrong"), HERE)
    assert access.identify(bearer(TOKEN), HERE) == ADMIN, "256 random bits are not guessed"
    assert access.identify(bearer("tl_wrong"), "198.51.100.1") is None
    assert [one.subject for one in lockout.listed(state, now=NOW)] == [f"address:{HERE}"]


@pytest.mark.row("W1")
def test_an_address_is_believed_only_under_the_gateways_seal(access: Access, state: State) -> None:
    seal = address_seal(HERE, state.keys["token_key"])
    assert access.address({FROM: f"{HERE} {seal}"}, "127.0.0.1") == HERE
    for forged in (f"192.0.2.1 {seal}", HERE, f"{HERE} ", f"{HERE} {'0' * 64}", ""):
        assert access.address({FROM: forged}, "127.0.0.1") == "127.0.0.1"
