"""S9: a real browser signs in to the console and opens every page of it, with markup wherever others' words are shown.

A page of our own that takes the same texts for markup shows that the browser would run them. Not for: which tags pages may hold
(`tests/unit/console/test_untrusted_text.py`).
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import msgspec

from tests.battery.browser import Browser, Dialog
from tests.battery.served import Served
from tests.support.found import FINDING, INCIDENT
from tests.support.hostile import HOSTILE, runbook
from tests.support.polling import eventually
from tests.support.records import NOON_US, JournalInMemory, boot, call
from trunkline.console.endpoints import ENDPOINTS
from trunkline.control import teams
from trunkline.control.state import State
from trunkline.core.codec import to_json
from trunkline.ledger.drain import Drain
from trunkline.ops.findings import id_of, note
from trunkline.ops.incidents.book import put
from trunkline.ops.incidents.incident import Entry

LOADING = (
    "<img src=//{trap}/a.png onerror=alert(1)>",
    "<script src=//{trap}/b.js></script>",
    "<link rel=stylesheet href=//{trap}/c.css>",
    "<iframe src=//{trap}/d></iframe>",
)
UNSHOWN = {"tail", "oidc", "oidc_return"}
"""A stream without end, and addresses that lead to a provider of accounts, which none is here."""
POLICY = re.compile("Content.Security.Policy|CSP|Refused to", re.IGNORECASE)
RAN = "alert(1)"


@dataclass
class Seen:
    """What a browser met."""

    pages: int = 0
    texts: int = 0
    dialogs: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    """Pages that led to another place than this console."""
    shown: set[str] = field(default_factory=set)
    """Addresses on which a hostile text was to be read."""


@dataclass
class Trap:
    """A server that nobody may ask; `bare` is a page of it that takes texts for markup."""

    port: int = 0
    asked: list[str] = field(default_factory=list)
    bare: str = ""


@contextmanager
def trap() -> Iterator[Trap]:
    """The trap, listening."""
    one = Trap()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = one.bare if self.path == "/bare" else ""
            if not page and self.path != "/favicon.ico":
                one.asked.append(self.path)
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.end_headers()
            with contextlib.suppress(OSError):  # who has gone on meanwhile
                self.wfile.write(page.encode())

        def log_message(self, *arguments: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        one.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield one
        finally:
            server.shutdown()


def texts(of: Trap) -> list[str]:
    """All hostile texts, those that load something with the address of the trap."""
    return [*HOSTILE, *(text.format(trap=f"127.0.0.1:{of.port}") for text in LOADING)]


def control(browser: Browser, of: Trap) -> Seen:
    """The browser on a page of ours that takes the texts for markup."""
    seen = Seen()
    for text in texts(of):
        of.bare, before = f"<!doctype html><title>bare</title><p>{text}</p>", len(of.asked)
        try:
            browser.open(f"http://127.0.0.1:{of.port}/bare")
            browser.open(
                "about:blank"
            )  # where a page goes on reloading itself there is nothing to be looked at
        except Dialog:
            seen.dialogs.append(text)
            browser.dismiss()
        seen.loaded += of.asked[before:]
    return seen


def prepared(folder: Path, said: list[str]) -> None:
    """A state folder in which everything that others write is hostile: calls, a finding, an incident, a team, a key, a runbook."""
    everything = " ".join(said)
    state = State(folder / "state", {}).create()
    (folder / "rb.md").write_text(runbook(said))
    failed = {"state": "error", "status": 502, "code": "network", "message": everything, "source": "stripe"}
    hidden = dict.fromkeys(("feature", "model", "operation", "path", "tags", "correlation_id"), everything)
    records = [call(f"x{n}", NOON_US + n, ended=failed, boot="boot-x", **hidden) for n in range(3)]
    journal = JournalInMemory(boot("boot-x"), *(record for pair in records for record in pair))
    drain = Drain(folder / "j", state.ledger, read_from=journal.read_from, now_us=lambda: NOON_US)
    while drain.step():
        continue
    drain.close()
    finding = msgspec.structs.replace(FINDING, title=everything, subject=everything, detail={"why": said})
    note(state, finding, NOON_US / 1e6)
    incident = msgspec.structs.replace(INCIDENT, title=everything, reason=everything, owner=everything)
    with state.change() as connection:
        put(connection, incident, [Entry(at=incident.opened_at, kind="opened", text=everything)])
    teams.create(state, "shop", title=said[0])


def registry(simulator: str, said: list[str]) -> str:
    """Integrations whose words are hostile."""
    told = {name: " ".join(said).replace("\x00", "") for name in ("title", "owner")}
    stripe = {
        "base_url": f"{simulator}/stripe",
        "secret": "env:STRIPE_SECRET_KEY",
        "runbook": "rb.md",
        **told,
    }
    openai = {"base_url": f"{simulator}/openai", "secret": "env:OPENAI_API_KEY", **told}
    return to_json({"version": 1, "integrations": {"stripe": stripe, "openai": openai}}).decode()


def look_around(browser: Browser, served: Served, said: list[str], of: Trap) -> Seen:
    """Signs in by a one-time link and opens every page of the console, as it is and with each text in its address."""
    seen, console = Seen(texts=len(said)), f"http://127.0.0.1:{served.console_port}"
    of.bare, before = "<!doctype html><title>another site</title>", len(of.asked)
    for text in said:  # led there by another site, a link has to be confirmed on a page that holds it
        browser.open(f"http://127.0.0.1:{of.port}/bare")
        browser.run(f"location.href = '{console}/sign-in?link={quote(text, safe='')}'")
        eventually(lambda: browser.address().startswith(console), "the page that asks")
        _look(browser, browser.address(), seen)
    link = re.search(r"http\S+", served.run("console", "link").stdout)
    assert link is not None
    _open(browser, link[0], seen)
    _open(browser, console, seen)
    assert "Signed in as" in browser.run("return document.body.innerText")
    for address in (*_pages(), *_asked(said)):
        _open(browser, console + address, seen)
    seen.loaded = of.asked[before:]
    return seen


def _pages() -> Iterator[str]:
    """Every address that is read, with the ids of what is there."""
    there = {
        "call": ["x0"],
        "finding": [id_of(FINDING.kind, FINDING.integration, FINDING.subject)],
        "incident": [INCIDENT.id],
        "incident_review": [INCIDENT.id],
        "incident_review_page": [INCIDENT.id],
        "team": ["shop"],
        "contract": ["stripe"],
        "runbook": ["stripe", "openai"],
        "runbook_page": ["stripe", "openai"],
    }
    for one in ENDPOINTS:
        if one.method == "GET" and one.name not in UNSHOWN:
            for known in there.get(one.name, ["x"]):
                yield re.sub(r"{\w+}", known, one.path)


def _asked(said: list[str]) -> Iterator[str]:
    """Addresses that hold a text."""
    shapes = (
        "/runbooks/{}", "/{}", "/?x={}", "/sign-in?link={}", "/api/calls?text={}", "/api/{}", "/api/calls/{}", "/api/usage?by={}",
        "/sign-in/oidc/return?error={}&state={}&code={}",
    )  # fmt: skip
    for text in said:
        for shape in shapes:
            yield shape.replace("{}", quote(text, safe=""))


def _open(browser: Browser, address: str, seen: Seen) -> None:
    try:
        browser.open(address)
    except Dialog:
        seen.dialogs.append(address)
        browser.dismiss()
    _look(browser, address, seen)


def _look(browser: Browser, address: str, seen: Seen) -> None:
    """What the page that is open has done and shows."""
    seen.pages += 1
    try:
        body = str(browser.run("return document.body ? document.body.innerText : ''"))
    except Dialog:
        seen.dialogs.append(address)
        browser.dismiss()
        body = ""
    seen.violations += [line for line in browser.said() if POLICY.search(line)]
    if address.split("/")[2] != browser.address().split("/")[2]:
        seen.elsewhere.append(address)
    if RAN in body:
        seen.shown.add(re.sub(r"\?.*", "", address.split("/", 3)[3]))
