"""The first page of the console: how things stand, and where to go on. Plain HTML without scripts; every value is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import quote

from trunkline import __version__
from trunkline.console.context import Console
from trunkline.console.identity import NOBODY, Identity
from trunkline.ops import health

_TEMPLATES = Path(__file__).parent / "templates"


def page(console: Console, who: Identity = NOBODY) -> str:
    """The page for who is signed in."""
    traffic, now = console.traffic(), console.clock()
    snapshot = console.published.snapshot()
    ledger = "catching up" if console.drain.behind else "up to date"
    return _fill(
        "landing.html",
        version=__version__,
        status=health.status(traffic, now)["status"] if snapshot else "unknown",
        environment=snapshot.environment if snapshot else "",
        registry=snapshot.version if snapshot else "none is published: start `trunkline serve`",
        ledger=console.drain.problem or ledger,
        running=str(console.drain.running),
        who=f"{who.name} ({who.role})" + (f", {', '.join(who.teams)}" if who.teams is not None else ""),
        csrf=console.access.csrf(who) if who.session else "",
        leave="" if who.session else "hidden",
        rows=_rows(traffic, now),
    )


USED = "This link was used already, or is older than ten minutes."


def refused(why: str = "", *, passwords: bool = True, provider: str = "", base: str = "") -> str:
    """The page for who is not: it tells how to get in, and nothing else. `base` leads from it to the first page."""
    return _fill(
        "sign_in.html",
        why=why or "You are not signed in.",
        base=base,
        passwords="" if passwords else "hidden",
        provider="" if provider else "hidden",
        at=provider,
    )


def confirm(link: str) -> str:
    """Asks whoever came from another page to open the link by hand; a fetch ahead of need must not use it up."""
    return _fill("confirm.html", link=link)


def onward(base: str) -> str:
    """Leads on by a page of our own: the browser sends a strict cookie only to where our own page leads."""
    return _fill("onward.html", base=base or "./")


def _rows(traffic: Iterable[health.Traffic], now: float) -> str:
    rows = []
    for one in traffic:
        found = health.assess(one, now)
        note = "simulated" if one.simulated else one.criticality
        cells = (found.status, found.reason, note)
        rows.append(
            f'<tr class="{found.status}"><td><a href="runbooks/{quote(one.name)}">{escape(one.name)}</a></td>'
            + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
            + "</tr>"
        )
    return "\n".join(rows) or '<tr><td colspan="4">No integration yet. Add one to trunkline.yaml.</td></tr>'


def _fill(name: str, **values: str) -> str:
    """Fill a template; every value but `rows`, which is markup of our own, is escaped here."""
    safe = {key: value if key == "rows" else escape(value) for key, value in values.items()}
    return Template((_TEMPLATES / name).read_text()).substitute(safe, style=style())


def style() -> str:
    """The style sheet, which stands in the pages themselves; the guard's policy names it by its hash."""
    return (_TEMPLATES / "style.css").read_text()
