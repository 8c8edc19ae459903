"""A desk with all that the console lends to who looks after incidents, findings and alerts: a state folder, a registry, figures, a clock.

Traffic is what a test says. Not for: the admin API (`tests/unit/console/conftest.py`).
"""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from trunkline.console.published import Published
from trunkline.control.state import State
from trunkline.core.alerting import IncidentTimes, Rule, Target
from trunkline.core.codec import to_json, to_pack
from trunkline.core.service import Service, Snapshot
from trunkline.ledger.query import Ledger
from trunkline.ops.alerting.message import of_payload
from trunkline.ops.health import Traffic
from trunkline.ops.outbox import Outbox
from trunkline.plugins.policies.account import Standing

NOW = 1_795_262_400.0
ON_CALL = Rule(name="on-call", targets=[Target(kind="slack", name="slack", secret="store:SLACK")])
STRIPE = Service(
    name="stripe",
    title="Stripe",
    owner="pay@example.com",
    criticality="load-path",
    runbook="runbooks/stripe.md",
)


class Desk:
    """Stands for `console.context.Console`."""

    def __init__(self, folder: Path, *, rules: tuple[Rule, ...] = (ON_CALL,)) -> None:
        self.state_dir = folder
        self.state = State(folder, {}).create()
        self.published = Published(folder)
        self.now = NOW
        self.drain: Any = SimpleNamespace(fatal=False, problem="")
        self.unknown_calls = 0
        self.unknown: Any = SimpleNamespace(count=lambda: self.unknown_calls)
        self.ledger = Ledger(folder / "ledger")
        self._traffic: list[Traffic] = [Traffic("stripe", criticality="load-path")]
        self._rules = list(rules)
        self.registry()
        self.stats()

    def clock(self) -> float:
        return self.now

    def traffic(self) -> list[Traffic]:
        return self._traffic

    def registry(self, version: str = "v1", **changes: Any) -> None:
        """Publishes a registry."""
        times = IncidentTimes(close_after=60)
        plain = {"services": [STRIPE], "alerts": self._rules, "incidents": times, "environment": "prod"}
        snapshot = Snapshot(version=version, created="", **{**plain, **changes})
        (self.state_dir / "snapshot.msgpack").write_bytes(to_pack(snapshot))

    def stats(self, *budgets: Standing, boot: str = "boot-1") -> None:
        """The gateway writes its figures."""
        (self.state_dir / "gateway.stats").write_bytes(to_pack({"boot": boot, "budgets": list(budgets)}))
        os.utime(self.state_dir / "gateway.stats", (self.now, self.now))

    def spent(self, usd: float, window: str = "2026-11") -> None:
        one = Standing(
            budget="all", of="", per="month", window=window, ends_us=0, limit_usd=10.0, spent_usd=usd, reserved_usd=0.0,
            unpriced=0, hard=True, alerts=(0.5, 1.0),
        )  # fmt: skip
        self.stats(one)

    def reloaded(self, *, ok: bool, findings: Any = ()) -> None:
        """The supervisor tells what became of a changed registry."""
        told = {"started": self.now, "at": self.now, "ok": ok, "version": "v1", "findings": list(findings)}
        (self.state_dir / "reload.json").write_bytes(to_json(told))

    def broken(self, **changes: Any) -> None:
        """Stripe fails, and its breaker is open."""
        one = Traffic(
            "stripe", calls=10, failures=10, last_error_at=self.now, last_error_code="server_error", breaker="open",
            criticality="load-path",
        )  # fmt: skip
        self._traffic = [one._replace(**changes)]

    def well(self) -> None:
        self._traffic = [Traffic("stripe", calls=9, last_ok_at=self.now, criticality="load-path")]

    def told(self) -> list[tuple[str, list[str]]]:
        """What was decided to be told, oldest first: event, and the titles."""
        found = []
        for notice in sorted(Outbox(self.state_dir).log(1000), key=lambda one: one.at):
            message = of_payload(notice.payload)
            assert message is not None
            found.append((notice.event.removeprefix("alert."), [item.title for item in message.items]))
        return found
