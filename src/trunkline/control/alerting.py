"""What people do with alerts: see the rules and what they have told, try one out, send again what was given up. Each is audited.

Not for: what is told by itself (`ops/alerting`).
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from trunkline.control import audit, published
from trunkline.control.state import State
from trunkline.core.alerting import Rule, Target
from trunkline.core.service import Snapshot
from trunkline.core.text import rfc3339
from trunkline.ops.alerting import book
from trunkline.ops.alerting.condition import links
from trunkline.ops.alerting.decide import Known
from trunkline.ops.alerting.message import Item, event_of, message
from trunkline.ops.notify import Delivery, tell
from trunkline.ops.outbox import Notice, Outbox

TEST_LATER_S = 60.0
"""A test is sent here and now; the console must not send it, too."""


class AlertProblem(Exception):
    """What was asked of alerts cannot be done; says why and the cure."""


class RuleStanding(msgspec.Struct, frozen=True, kw_only=True):
    """A rule, where it leads, and what it has told that still lasts."""

    name: str
    kinds: list[str]
    severity: str
    integrations: list[str]
    to: list[str]
    """Names of its targets, with where they lead as far as that is no secret."""
    remind_s: float
    resolved: bool
    firing: list[Firing]


class Firing(msgspec.Struct, frozen=True, kw_only=True):
    """Something that lasts. Times are epoch seconds."""

    key: str
    kind: str
    severity: str
    integration: str
    title: str
    state: str
    """`firing`, or `held` while it waits to be told."""
    acknowledged: bool
    since: str
    told_at: float
    times: int


def standing(state: State) -> list[RuleStanding]:
    """Every rule that is live. Raises AlertProblem where nothing is published."""
    known = book.by_rule(book.listed(state))
    return [_standing(rule, known.get(rule.name, {}).values()) for rule in _published(state).alerts]


def try_out(
    state: State,
    name: str,
    *,
    actor: str = "cli",
    now: float | None = None,
    tls: Callable[[], ssl.SSLContext] = ssl.create_default_context,
) -> Delivery:
    """Tells every target of a rule that this is a test, and says what became of it. Raises AlertProblem."""
    snapshot, at = _published(state), time.time() if now is None else now
    rule = next((one for one in snapshot.alerts if one.name == name), None)
    if rule is None:
        known = ", ".join(one.name for one in snapshot.alerts) or "none"
        raise AlertProblem(f"There is no rule {name!r} of alerts. Those that are live: {known}.")
    outbox = Outbox(state.path)
    payload = msgspec.to_builtins(_tried(snapshot, rule, at))
    notice = outbox.put(event_of("test"), payload, rule=name, now=at, later_s=TEST_LATER_S)
    assert notice is not None
    opened: list[str] = []
    delivery = tell(
        rule.targets,
        notice.event,
        notice.payload,
        secret=_secrets(state, opened),
        message_id=notice.id,
        tls=tls,
    )
    outbox.close(notice, delivery)
    audit.append(state, actor, "alert.test", name, {"ok": delivery.ok, "refs": opened})
    return delivery


def notices(state: State, *, failed: bool = False, limit: int = 100) -> list[Notice]:
    """Notices, newest first; `failed`: only those that were given up, or reached nobody."""
    found = Outbox(state.path).log(limit if not failed else 100_000)
    return [one for one in found if not failed or one.state in ("failed", "nowhere")][:limit]


def retry(state: State, notice_id: str, *, actor: str = "cli", now: float | None = None) -> Notice:
    """Sends a notice again that was given up, to those who were not told. Raises AlertProblem."""
    outbox = Outbox(state.path)
    found = next((one for one in outbox.log(100_000) if one.id == notice_id), None)
    if found is None:
        raise AlertProblem(
            f"There is no notice {notice_id!r}. `trunkline alerts notices --failed` shows those."
        )
    if found.state not in ("failed", "nowhere"):
        raise AlertProblem(f"The notice {notice_id} is {found.state}; only what was given up is sent again.")
    audit.append(state, actor, "alert.retry", notice_id, {"rule": found.rule, "event": found.event})
    return outbox.again(found, time.time() if now is None else now)


def _published(state: State) -> Snapshot:
    snapshot = published.read_snapshot(state)
    if snapshot is None:
        raise AlertProblem("Nothing is published yet. Start `trunkline serve` here first.")
    return snapshot


def _tried(snapshot: Snapshot, rule: Rule, at: float) -> Any:
    to = links(snapshot)
    item = Item(
        key=f"test:{rule.name}",
        kind="test",
        severity="info",
        title=f"A test of the rule {rule.name!r}: this is how its alerts arrive",
        since=rfc3339(at),
        command="trunkline alerts list",
    )
    return message("test", rule.name, [item], environment=snapshot.environment, console=to.console)


def _secrets(state: State, opened: list[str]) -> Callable[[str], str]:
    sealed = published.read_sealed(state, state.master_key())

    def secret(ref: str) -> str:
        if sealed is None or ref not in sealed.values:
            raise ValueError(
                sealed.missing.get(ref, "it does not resolve") if sealed else "no secrets are published"
            )
        opened.append(ref)
        return sealed.values[ref]

    return secret


def _standing(rule: Rule, known: Any) -> RuleStanding:
    lasting: list[Known] = [one for one in known if one.state != "ended"]
    return RuleStanding(
        name=rule.name,
        kinds=rule.kinds,
        severity=rule.severity,
        integrations=rule.integrations,
        to=[_where(target) for target in rule.targets],
        remind_s=rule.remind,
        resolved=rule.resolved,
        firing=[_firing(one) for one in sorted(lasting, key=lambda one: -one.seen_at)],
    )


def _where(target: Target) -> str:
    from urllib.parse import urlsplit

    where = (
        ", ".join(target.email) if target.kind == "email" else urlsplit(target.url).hostname or target.secret
    )
    return f"{target.name} ({where})"


def _firing(one: Known) -> Firing:
    return Firing(
        key=one.item.key,
        kind=one.item.kind,
        severity=one.item.severity,
        integration=one.item.integration,
        title=one.item.title,
        state=one.state,
        acknowledged=one.acknowledged,
        since=one.item.since or rfc3339(one.seen_at),
        told_at=one.last_told_at,
        times=one.times,
    )


def described(delivery: Delivery) -> Sequence[tuple[str, str, str, str]]:
    """Rows for people: target, where, what became of it, why."""
    return [(one.channel, one.where, "sent" if one.ok else "FAILED", one.detail) for one in delivery.sent]
