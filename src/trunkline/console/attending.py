"""Looks after what needs a person, once a second, in a thread of its own: incidents begin and end, findings are noted, alerts decided.

Not for: sending (`telling.py`), nor for any of the decisions
(`ops/incidents`, `ops/alerting`, `noticing.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from trunkline.console import noticing
from trunkline.console.money import live
from trunkline.console.steadily import Steadily
from trunkline.control import kills
from trunkline.core.service import Snapshot
from trunkline.ledger.query import CallFilter
from trunkline.ops import findings
from trunkline.ops.alerting.book import Book
from trunkline.ops.alerting.condition import Condition, Links, links, of_budget, of_finding, of_incident
from trunkline.ops.alerts import alerts
from trunkline.ops.findings import Finding, FindingRow
from trunkline.ops.health import Traffic
from trunkline.ops.incidents import published
from trunkline.ops.incidents.book import Incidents
from trunkline.ops.incidents.incident import Entry, Incident
from trunkline.ops.incidents.signs import sign
from trunkline.ops.outbox import Outbox

if TYPE_CHECKING:
    from trunkline.console.context import Console

FINDINGS_EVERY_S = 5.0
CORRELATIONS = 5
CORRELATIONS_EVERY_S = 60.0

More = Callable[[Snapshot], Iterable[Finding]]
"""Further findings that a look brings, e.g. of runbooks."""


class Attending:
    """One state folder's incidents, findings and alerts."""

    def __init__(self, console: Console, *, more: More = lambda snapshot: ()) -> None:
        self._console = console
        self._more = more
        self._outbox = Outbox(console.state_dir)
        self._incidents = Incidents(console.state, console.state_dir)
        self._book = Book(console.state, self._outbox)
        self._published: list[Incident] | None = None
        self._version = self._boot = ""
        self._refused_at = 0.0
        self._rows: list[FindingRow] = []
        self._looked_at = float("-inf")
        self._calls: dict[str, tuple[float, list[str]]] = {}
        steadily = Steadily(self.turn, name="attending", what="looking after incidents and alerts")
        self.start, self.stop = steadily.start, steadily.stop

    def turn(self) -> None:
        """One look at everything."""
        console, now = self._console, self._console.clock()
        snapshot = console.published.snapshot()
        if snapshot is None:
            return
        traffic = console.traffic()
        off = kills.disabled(console.state)
        owners = {one.name: one.owner for one in snapshot.services}
        self._incidents.turn(
            [sign(one, now, off) for one in traffic],
            snapshot.incidents,
            now,
            owners=owners,
            news=self._news(snapshot, now),
        )
        self._publish()
        if now - self._looked_at >= FINDINGS_EVERY_S:
            self._looked_at = now
            self._look(snapshot)
        to = links(snapshot)
        self._book.turn(
            snapshot.alerts,
            self._conditions(traffic, to, now),
            now,
            environment=snapshot.environment,
            links=to,
        )

    def _conditions(self, traffic: Sequence[Traffic], to: Links, now: float) -> list[Condition]:
        by_name = {one.name: one for one in traffic}
        found = [of_finding(row, to) for row in self._rows]
        for incident in self._incidents.open:
            one = by_name.get(incident.integration)
            found.append(
                of_incident(
                    incident,
                    to,
                    hits=one.hits if one is not None else (),
                    served=", ".join(one.stands_in) if one is not None else "",
                    correlation_ids=self._failed(incident, now),
                )
            )
        return [*found, *(of_budget(one) for one in alerts(live(self._console.published, now) or ()))]

    def _failed(self, incident: Incident, now: float) -> list[str]:
        """The correlation ids of the latest calls that it failed."""
        at, known = self._calls.get(incident.id, (0.0, []))
        if now - at < CORRELATIONS_EVERY_S and known:
            return known
        if self._console.drain.fatal:
            return known
        wanted = CallFilter(
            integration=incident.integration, state="error", since_us=int((incident.began_at - 600) * 1e6)
        )
        calls = self._console.ledger.calls(wanted, limit=CORRELATIONS).calls
        found = [call["correlation_id"] for call in reversed(calls)]
        self._calls = {one.id: self._calls.get(one.id, (0.0, [])) for one in self._incidents.open}
        self._calls[incident.id] = (now, found)
        return found

    def _look(self, snapshot: Snapshot) -> None:
        """Notes what the console finds itself, then reads all that is open."""
        console = self._console
        self._rows = findings.listed(console.state)
        found = [*noticing.seen(console, self._outbox.log(limit=10_000)), *self._more(snapshot)]
        if noticing.settle(console, found, self._rows):
            self._rows = findings.listed(console.state)

    def _news(self, snapshot: Snapshot, now: float) -> list[Entry]:
        """What belongs into the timeline of everything that is open: changes of the registry, refused ones, restarts."""
        news = []
        if self._version and snapshot.version != self._version:
            text = f"The registry was changed: version {snapshot.version} is live."
            news.append(Entry(at=now, kind="registry", text=text, detail={"before": self._version}))
        self._version = snapshot.version
        outcome = self._console.published.reload()
        refused_at = (
            outcome.get("at", 0.0) if isinstance(outcome, dict) and outcome.get("ok") is False else 0.0
        )
        if refused_at > self._refused_at and self._boot:
            news.append(
                Entry(
                    at=now, kind="registry", text="A changed registry was refused; the one before stays live."
                )
            )
        self._refused_at = max(refused_at, self._refused_at)
        boot = str(self._console.published.gateway_stats().get("boot", ""))
        if self._boot and boot and boot != self._boot:
            news.append(Entry(at=now, kind="gateway", text="The gateway was restarted."))
        self._boot = boot or self._boot
        return news

    def _publish(self) -> None:
        if self._incidents.open != self._published:
            self._published = self._incidents.open
            published.write(self._console.state_dir, self._published)
