"""No foreign page, name or form makes the console do or tell anything: hosts, origins, CSRF on every change (S8 of the battery).

Made from the declarations, so that a new change is in it without a word.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from trunkline.console.access import COOKIE
from trunkline.console.context import Console
from trunkline.console.declare import Endpoint
from trunkline.console.endpoints import ENDPOINTS
from trunkline.control import audit, sessions, users

Ask = Callable[..., Any]

pytestmark = pytest.mark.row("W1")

CHANGES = [one for one in ENDPOINTS if one.method != "GET"]
OURS = "http://127.0.0.1:4001"
BAD_HOSTS = [
    f"127.0.0.1:4001{more}"
    for more in ("/", "/health/live?", "/api/keys#", "?", "#", "\\", "/..", "%2f", "@evil.test", ",evil.test", " ", ";", "\t", ":1")
] + [
    "health/live?x=", "/health/live", "evil.test", "127.0.0.1.evil.test", "localhost.evil.test", "evil.test:4001", "2130706433:4001",
    "0x7f000001", "127.1", "0.0.0.0:4001", "[::ffff:127.0.0.1]:4001", "[::]:4001", "localhost\u00ad",
    "l\u0585calhost", "127.0.0.1\u3002", "",
]  # fmt: skip
"""What once led routing astray (a Host that holds a path, a query, a fragment), and names that only look like ours."""
FOREIGN = [
    "https://evil.test", "http://evil.test:4001", "null", "", "http://localhost:4001", "http://127.0.0.1:4000", "http://127.0.0.1",
    "http://127.0.0.1:4001.evil.test", "http://127.0.0.1:4001@evil.test", "http://evil.test#127.0.0.1:4001", "//127.0.0.1:4002",
    "file://", "chrome-extension://abcdef", "javascript:127.0.0.1:4001",
]  # fmt: skip


def named(one: Endpoint) -> str:
    return f"{one.method} {one.path}"


def target(one: Endpoint) -> str:
    return re.sub(r"{\w+}", "stripe", one.path)


@pytest.fixture
def signed_in(console: Console) -> list[tuple[str, tuple[str, str]]]:
    """Two admins with a session each: (id of the session, its cookie)."""
    found = []
    for name in ("ana", "bo"):
        user = users.create(console.state, name, role="admin", of=[], now=console.clock())
        opened = sessions.open_session(
            console.state, user.id, "link", address="127.0.0.1", now=console.clock()
        )
        found.append((opened.cookie, ("cookie", f"{COOKIE}={opened.cookie}")))
    return found


def changed(console: Console) -> list[str]:
    """What was done so far, but for failures that are written down."""
    return [row["action"] for row in audit.entries(console.state) if not row["action"].startswith("auth.")]


async def test_under_no_other_name_is_anything_told_or_done(ask: Ask, console: Console) -> None:
    before, wrong = changed(console), []
    for host in BAD_HOSTS:
        for one in ENDPOINTS:
            field = ("host", host.encode().decode("latin-1"))
            answer = await ask(target(one), field, method=one.method, body={} if one.body else None)
            if answer.status not in (400, 403) or b"stripe" in answer.body.lower():
                wrong.append((host, named(one), answer.status))
    assert (wrong[:5], changed(console)) == ([], before)


async def test_no_foreign_page_changes_anything_with_whatever_it_has(
    ask: Ask, console: Console, signed_in: list[tuple[str, tuple[str, str]]]
) -> None:
    _, cookie = signed_in[0]
    csrf = (await ask("/api/session", cookie, signed=False)).json()["csrf"]
    before, wrong = changed(console), []
    for one in CHANGES:
        for origin in FOREIGN:
            fields = (("origin", origin), cookie, ("x-csrf-token", csrf))
            answer = await ask(target(one), *fields, method=one.method, form={"a": "b"})
            if answer.status != 403:
                wrong.append((origin, named(one), answer.status))
    assert (wrong[:5], changed(console)) == ([], before)


async def test_a_change_needs_the_csrf_token_of_this_very_session(
    ask: Ask, console: Console, signed_in: list[tuple[str, tuple[str, str]]]
) -> None:
    (value, mine), (_, other) = signed_in
    csrf = (await ask("/api/session", mine, signed=False)).json()["csrf"]
    others = (await ask("/api/session", other, signed=False)).json()["csrf"]
    assert csrf != others
    before, wrong = changed(console), []
    for one in CHANGES:
        if one.role == "open":
            continue
        for given in ("", others, csrf[:-1], csrf + "0", value):
            for fields, form in (([("x-csrf-token", given)], {"a": "b"}), ([], {"csrf": given})):
                answer = await ask(target(one), mine, *fields, method=one.method, signed=False, form=form)
                if (answer.status, b"CSRF" in answer.body) != (403, True):
                    wrong.append((given, named(one), answer.status))
    assert (wrong[:5], changed(console)) == ([], before)


async def test_a_body_that_a_foreign_form_can_send_is_no_json(ask: Ask, console: Console) -> None:
    """A form of another page sends these without the browser's asking first."""
    before, wrong = changed(console), []
    for one in CHANGES:
        for media in ("text/plain", "multipart/form-data; boundary=b", "", "application/jsonp"):
            answer = await ask(target(one), ("content-type", media), method=one.method, body=b'{"name": "x"}')
            if (answer.status, b"a body must be" in answer.body) != (400, True):
                wrong.append((media, named(one), answer.status))
    assert (wrong[:5], changed(console)) == ([], before)


async def test_no_odd_method_gets_past(ask: Ask, console: Console) -> None:
    before, wrong = changed(console), []
    for one in CHANGES:
        for method in ("HEAD", "OPTIONS", "TRACE", "PROPFIND", "get", "QUERY"):
            answer = await ask(target(one), method=method, signed=False)
            page = method == "HEAD" and one.path == "/sign-in"
            if answer.status not in ((200,) if page else (401, 404, 405)):
                wrong.append((method, named(one), answer.status))
            assert "access-control-allow-origin" not in answer.headers
    assert (wrong[:5], changed(console)) == ([], before)
