"""What others have written is shown as text on every page: prompts, models' answers, headers, names, runbooks (S9 of the battery).

Each page is read as a browser would, and may hold no more than what we ourselves write into pages; the policy of each answer forbids
the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.hostile import HOSTILE, runbook
from tests.support.records import NOON_US, JournalInMemory, boot, call
from trunkline.console.access import COOKIE
from trunkline.console.context import Console
from trunkline.console.endpoints import ENDPOINTS
from trunkline.control import sessions, teams, users
from trunkline.core.codec import to_pack
from trunkline.core.identity import Oidc, SignIn
from trunkline.core.service import Service, Snapshot
from trunkline.ledger.drain import Drain

Ask = Callable[..., Any]

pytestmark = pytest.mark.row("W1", "O1")

EVERYTHING = " ".join(HOSTILE)
TAGS = {
    "html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "h4", "h5", "h6", "small", "form", "p", "label",
    "input", "button",
    "dl", "dt", "dd", "table", "thead", "tbody", "tr", "th", "td", "ul", "ol", "li", "a", "code", "pre", "strong", "blockquote",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "charset", "name", "content", "method", "action", "hidden", "type", "value", "class", "scope", "href", "rel", "role",
    "autocomplete", "required", "maxlength", "colspan", "http-equiv",
}  # fmt: skip


class Reader(HTMLParser):
    """Notes what is not ours."""

    def __init__(self) -> None:
        super().__init__()
        self.odd: list[str] = []
        self.metas = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        if tag not in TAGS or known.keys() - ATTRIBUTES:
            self.odd.append(f"<{tag} {attrs}>")
        to = known.get("href") or known.get("action") or ""
        if re.match(r"(?i)[\s\x00-\x20]*(javascript|data|vbscript):|[\\/]{2}", to):
            self.odd.append(f"<{tag} to {to}>")
        self.metas += tag == "meta"

    def handle_comment(self, data: str) -> None:
        self.odd.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        if decl != "doctype html":
            self.odd.append(f"<!{decl}>")


def check(answer: Any, place: str) -> None:
    """The answer runs and loads nothing."""
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-"), place
    assert "unsafe" not in policy, place
    assert "script-src" not in policy, place
    assert answer.headers["x-content-type-options"] == "nosniff", place
    media = answer.headers.get("content-type", "")
    if answer.status in (204, 303):
        return
    if media.startswith("text/html"):
        reader = Reader()
        reader.feed(answer.body.decode())
        reader.close()
        assert (reader.odd, reader.metas <= 3) == ([], True), place
    else:
        assert media.startswith(("application/json", "application/x-ndjson", "text/plain", "text/csv")), (
            place,
            media,
        )


@pytest.fixture
def hostile(console: Console, state: Path, tmp_path: Path) -> Console:
    """A console in which every text that others write is hostile."""
    services = [
        Service(
            name="stripe", title=EVERYTHING, runbook="rb.md", owner=EVERYTHING, problem=EVERYTHING,
        ),
        Service(name="crm", title=HOSTILE[0], runbook=f"https://wiki.example.com/{EVERYTHING}", problem=HOSTILE[2]),
        Service(name=EVERYTHING, title=EVERYTHING, runbook="gone<script>.md"),
    ]  # fmt: skip
    provider = Oidc(
        issuer=f"https://{HOSTILE[4]}",
        client_id="c",
        client_secret="",
        scopes=["openid"],
        algorithms=["RS256"],
    )
    snapshot = Snapshot(
        version=HOSTILE[0],
        created="",
        environment=EVERYTHING,
        services=services,
        sign_in=SignIn(oidc=provider),
    )
    (state / "snapshot.msgpack").write_bytes(to_pack(snapshot))
    (tmp_path / "rb.md").write_text(runbook(HOSTILE))
    console.registry_folder = tmp_path
    said = {
        "state": "error",
        "status": 502,
        "code": "network",
        "message": EVERYTHING,
        "source": "stripe",
    }
    hidden = dict.fromkeys(("feature", "model", "operation", "path", "tags", "correlation_id"), EVERYTHING)
    journal = JournalInMemory(boot("boot-x"), *call("x", NOON_US + 9000, ended=said, boot="boot-x", **hidden))
    drain = Drain(tmp_path / "j", state / "ledger", read_from=journal.read_from, now_us=lambda: NOON_US)
    while drain.step():
        pass
    drain.close()
    console.drain.problem = EVERYTHING
    return console


async def test_no_page_and_no_answer_runs_what_others_have_written(ask: Ask, hostile: Console) -> None:
    names = ["stripe", "crm", quote(EVERYTHING, safe="")]
    seen: list[tuple[str, int]] = []
    for one in ENDPOINTS:
        if one.name == "tail":
            continue
        for name in names if "{" in one.path else [""]:
            target = re.sub(r"{\w+}", name.replace("\\", r"\\"), one.path)
            for signed in (True, False):
                answer = await ask(target, method=one.method, signed=signed)
                check(answer, f"{one.method} {target[:80]} {answer.status}")
                if answer.headers.get("content-type", "").startswith("text/html"):
                    seen.append((one.path, answer.status))
    assert {("/", 200), ("/runbooks/{name}", 200), ("/sign-in", 200), ("/", 401)} <= set(seen)
    assert b"alert(1)" in (await ask("/")).body
    assert b"alert(1)" in (await ask("/runbooks/stripe")).body


async def test_nothing_that_is_asked_for_comes_back_as_markup(ask: Ask, hostile: Console) -> None:
    for text in HOSTILE:
        raw = quote(text, safe="")
        for target in (
            f"/sign-in?link={raw}", f"/{raw}", f"/runbooks/{raw}", f"/?x={raw}", f"/api/calls?text={raw}",
            f"/api/{raw}", f"/api/calls/{raw}",
            f"/sign-in/oidc/return?error={raw}&state={raw}&iss={raw}&code={raw}", f"/api/usage?by={raw}", f"/api/calls?{raw}=1",
        ):  # fmt: skip
            for site in ("cross-site", "none"):
                check(await ask(target, ("sec-fetch-site", site)), target)
        for form in ({"user": text, "link": text}, {"link": text}, {text[:20]: text}):
            check(await ask("/sign-in", method="POST", form=form, signed=False), str(form))


async def test_a_person_with_a_hostile_team_sees_a_page_in_which_it_is_text(
    ask: Ask, hostile: Console
) -> None:
    teams.create(hostile.state, "shop", title=HOSTILE[0], now=hostile.clock())
    user = users.create(hostile.state, "ana", role="viewer", of=["shop"], now=hostile.clock())
    opened = sessions.open_session(
        hostile.state, user.id, "link", address=HOSTILE[0], agent=EVERYTHING, now=hostile.clock()
    )
    for target in ("/", "/api/sessions", "/api/session"):
        answer = await ask(target, ("cookie", f"{COOKIE}={opened.cookie}"), signed=False)
        assert answer.status == 200
        check(answer, target)
