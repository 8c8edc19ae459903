"""Keeps what each rule has told, decides what it tells now, and hands it to the outbox. One writer: the console.

What was decided is committed first, with the notices that follow from it; then they are put into the outbox under their own ids. A
process that dies anywhere in between neither forgets an alert nor tells one twice. Not for: sending (`console/telling.py`).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from trunkline.core.alerting import Rule
from trunkline.ledger import alert_tables as tables
from trunkline.ops.alerting import decide
from trunkline.ops.alerting.condition import Condition, Links
from trunkline.ops.alerting.decide import Known
from trunkline.ops.alerting.message import Item, Phase, event_of, message
from trunkline.ops.findings import Store
from trunkline.ops.outbox import Outbox

KEPT_S = 62 * 86_400.0
"""Longer than a month, whose shares of a budget must not be told twice."""
FORGET_EVERY_S = 3600.0


class Book:
    """The alerts of one installation."""

    def __init__(self, state: Store, outbox: Outbox) -> None:
        self._state = state
        self._outbox = outbox
        self._known: dict[str, dict[str, Known]] | None = None
        self._forgot_at = float("-inf")

    def turn(
        self, rules: Sequence[Rule], conditions: Iterable[Condition], now: float, *, environment: str = "", links: Links = Links()  # noqa: B008
    ) -> list[str]:  # fmt: skip
        """Decides for every rule, keeps it, and hands over what is to be told; answers the ids of the notices."""
        if self._known is None:
            self._hand_over()  # what a process before this one has decided
            self._known = by_rule(listed(self._state))
        everything = list(conditions)
        changed: list[Known] = []
        notices: list[dict[str, Any]] = []
        for rule in rules:
            found = decide.step(rule, everything, self._known.get(rule.name, {}), now)
            changed += found.changed
            told: tuple[tuple[Phase, list[Item]], ...] = (
                ("firing", found.firing),
                ("reminder", found.reminder),
                ("resolved", found.resolved),
            )
            notices += [
                _notice(rule.name, phase, items, now, environment, links.console)
                for phase, items in told
                if items
            ]
        changed += _ruleless(self._known, {rule.name for rule in rules}, now)
        if changed or notices:
            self._keep(changed, notices)
        if now - self._forgot_at >= FORGET_EVERY_S:
            self._forget(now)
        return [notice["id"] for notice in notices]

    def _keep(self, changed: list[Known], notices: list[dict[str, Any]]) -> None:
        with self._state.change() as connection:
            tables.put(connection, [_as_row(one) for one in changed])
            tables.add_waiting(connection, notices)
        assert self._known is not None
        for one in changed:
            self._known.setdefault(one.rule, {})[one.item.key] = one
        if notices:
            self._hand_over()

    def _hand_over(self) -> None:
        with self._state.view() as connection:
            waiting = tables.waiting(connection)
        for row in waiting:
            self._outbox.put(row["event"], row["payload"], key=row["id"], rule=row["rule"], now=row["at"])
        if waiting:
            with self._state.change() as connection:
                tables.taken(connection, [row["id"] for row in waiting])

    def _forget(self, now: float) -> None:
        self._forgot_at = now
        with self._state.change() as connection:
            tables.forget(connection, now - KEPT_S)
        assert self._known is not None
        for of_rule in self._known.values():
            for key in [
                k for k, one in of_rule.items() if one.state == "ended" and one.ended_at < now - KEPT_S
            ]:
                del of_rule[key]


def listed(state: Store) -> list[Known]:
    """Everything that any rule knows."""
    with state.view() as connection:
        return [msgspec.convert(row["known"], Known) for row in tables.rows(connection)]


def by_rule(known: Iterable[Known]) -> dict[str, dict[str, Known]]:
    """By rule, then by key."""
    found: dict[str, dict[str, Known]] = {}
    for one in known:
        found.setdefault(one.rule, {})[one.item.key] = one
    return found


def _ruleless(known: dict[str, dict[str, Known]], rules: set[str], now: float) -> list[Known]:
    """What rules knew that are no more: nobody is told of its end."""
    return [
        msgspec.structs.replace(one, state="ended", ended_at=now)
        for rule, of_rule in known.items()
        if rule not in rules
        for one in of_rule.values()
        if one.state != "ended"
    ]


def _notice(
    rule: str, phase: Phase, items: list[Item], now: float, environment: str, console: str
) -> dict[str, Any]:
    told = message(phase, rule, items, environment=environment, console=console)
    return {
        "id": f"alert_{secrets.token_hex(12)}",
        "rule": rule,
        "event": event_of(phase),
        "payload": msgspec.to_builtins(told),
        "at": now,
    }


def _as_row(one: Known) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "key": one.item.key,
        "state": one.state,
        "ended_at": one.ended_at,
        "known": msgspec.to_builtins(one),
    }
