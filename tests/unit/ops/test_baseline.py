"""The regular review: each question gets its verdict from the facts, with evidence."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from trunkline.core.service import ApiVersion, Credential, Service, Snapshot
from trunkline.ops.baseline.facts import Access, Chain, Facts, Kill, Review, Route, SignOff
from trunkline.ops.baseline.judge import due_day, review, undecided
from trunkline.ops.baseline.text import markdown
from trunkline.ops.findings import FindingRow
from trunkline.ops.rotation_due import Schedule

NOW = 1_800_000_000.0  # 2027-01-15
DAY = 86_400.0

pytestmark = pytest.mark.row("G3")

GOOD = Service(
    name="stripe", owner="ops@example.com", runbook="runbooks/stripe.md", api_version=ApiVersion(value="2026-08"),
    credentials=[Credential(ref="store:STRIPE")],
)  # fmt: skip
KEY = Access(
    kind="key", id="key_1", name="web", team="shop", role="caller", state="live", created_by="ana", last_used_at="2027-01-14T00:00:00Z",
    expires_at="2027-03-01T00:00:00Z", decision="keep", decided_by="cli:ana",
)  # fmt: skip
ROUTES = [
    Route(plane="calls", route="GET /health/live", identity="none"),
    Route(plane="calls", route="any /api/proxy/{integration}/{path}", identity="any live key or token"),
    Route(plane="console", route="GET /sign-in", identity="none"),
    Route(plane="console", route="GET /api/calls", identity="viewer"),
]


def finding(kind: str, title: str = "Something.", subject: str = "x") -> FindingRow:
    return FindingRow(
        kind=kind, integration="", subject=subject, severity="warning", title=title, id="fnd_1", state="open", times=1, episode=1,
        first_at=NOW, opened_at=NOW, last_at=NOW, acknowledged_at=0.0, acknowledged_by="", note="", resolved_at=0.0, resolved_why="",
    )  # fmt: skip


def facts(**changes: Any) -> Facts:
    values: dict[str, Any] = {
        "now": NOW, "snapshot": snapshot(), "routes": ROUTES, "findings": [], "access": [KEY], "kill": Kill(seconds=0.31),
        "schedules": [Schedule(integration="stripe", ref="store:STRIPE", state="fresh")],
        "chain": Chain(ok=True, rows=12, problem="", anchor="12:ab:cd"), "keep_days": 90, "oldest_day": "2026-10-20",
        "scanned_at": "2027-01-10", "began_at": NOW - 10 * DAY, "last": None,
    }  # fmt: skip
    return Facts(**{**values, **changes})


def snapshot(*services: Service, **changes: Any) -> Snapshot:
    return Snapshot(
        version="c0ffee", created="", environment="prod", services=list(services) or [GOOD], **changes
    )


def found(name: str, **changes: Any) -> list[str]:
    return next(check.findings for check in review(facts(**changes)).checks if check.id == name)


def test_an_installation_in_order_has_nothing_to_do() -> None:
    made = review(facts())
    assert {check.id: check.verdict for check in made.checks} == dict.fromkeys(
        ["secrets", "identity", "records", "rotation", "kill", "keys", "access", "runbooks", "contracts", "registry", "audit"], "ok"
    )  # fmt: skip
    assert made.open == 0
    assert all(check.evidence for check in made.checks)


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        (
            "secrets",
            {
                "snapshot": snapshot(
                    GOOD, Service(name="crm", owner="o", credentials=[Credential(ref="env:CRM")])
                )
            },
            "Credentials live in 2 places: 1 in environment or files, 1 in the built-in store.",
        ),
        (
            "secrets",
            {"findings": [finding("scan.literal", "A key stands in app.py:3.")]},
            "A key stands in app.py:3. (fnd_1)",
        ),
        ("secrets", {"findings": [finding("secret.broad", "Too broad.")]}, "Too broad. (fnd_1)"),
        (
            "identity",
            {"routes": [*ROUTES, Route(plane="console", route="GET /api/new", identity="none")]},
            "GET /api/new (console) needs no identity.",
        ),
        ("identity", {"snapshot": snapshot(health_public=True)}, "/health is public"),
        ("records", {"keep_days": 30}, "Calls are kept for 30 days; 90 are the least."),
        (
            "rotation",
            {"schedules": [Schedule(integration="stripe", ref="store:S", state="overdue", due_at=NOW - DAY)]},
            "store:S of stripe is overdue since 2027-01-14.",
        ),
        (
            "rotation",
            {"schedules": [Schedule(integration="stripe", ref="store:S", state="unscheduled")]},
            "store:S of stripe has no schedule.",
        ),
        (
            "rotation",
            {"schedules": [Schedule(integration="stripe", ref="store:S", state="unknown")]},
            "nobody knows when it was last replaced",
        ),
        ("kill", {"kill": Kill(seconds=2.5)}, "A killed key still worked for 2.50 s; 2 s are the most."),
        ("keys", {"findings": [finding("key.unused", "web was never used.")]}, "web was never used. (fnd_1)"),
        (
            "access",
            {"access": [replace(KEY, decision="")]},
            "Nobody has said whether to keep key web (key_1).",
        ),
        (
            "access",
            {"access": [replace(KEY, decision="revoke")]},
            "key web (key_1) was to be revoked and still works.",
        ),
        ("runbooks", {"snapshot": snapshot(Service(name="crm"))}, "crm has no runbook."),
        ("runbooks", {"findings": [finding("runbook.stale", "Old.")]}, "Old. (fnd_1)"),
        ("contracts", {"snapshot": snapshot(Service(name="crm"))}, "crm is pinned to no version of its API."),
        ("contracts", {"findings": [finding("contract.drift", "Drifted.")]}, "Drifted. (fnd_1)"),
        ("contracts", {"findings": [finding("review.due", "Changelog.", "changelog")]}, "Changelog. (fnd_1)"),
        ("registry", {"snapshot": snapshot(Service(name="crm"))}, "crm has no owner."),
        ("registry", {"findings": [finding("data.undeclared", "Mail went out.")]}, "Mail went out. (fnd_1)"),
        (
            "audit",
            {"chain": Chain(ok=False, rows=3, problem="row 4 is missing", anchor="")},
            "The audit chain does not hold: row 4 is missing.",
        ),
    ],
)
def test_what_is_not_in_order_is_a_finding(name: str, changes: dict[str, Any], said: str) -> None:
    assert any(said in one for one in found(name, **changes))


def test_a_finding_of_another_sort_and_the_review_itself_are_not_counted() -> None:
    made = review(facts(findings=[finding("scanner"), finding("review.due", subject="baseline")]))
    assert made.open == 0


def test_what_is_not_known_is_no_all_clear() -> None:
    made = {
        check.id: check
        for check in review(facts(scanned_at="", kill=Kill(why="Trunkline is not running"))).checks
    }
    assert (made["secrets"].verdict, made["kill"].verdict) == ("unknown", "unknown")
    assert made["kill"].evidence == ["not measured: Trunkline is not running"]


@pytest.mark.parametrize(
    ("size", "every", "due"),
    [(0, "quarterly", "2027-04-06"), (9, "quarterly", "2027-04-06"), (10, "monthly", "2027-02-04")],
)
def test_ten_engineers_review_monthly_fewer_quarterly(size: int, every: str, due: str) -> None:
    made = review(facts(snapshot=snapshot(team_size=size)))
    assert (made.every, made.due, made.overdue) == (every, due, False)
    assert due_day(size, NOW - 10 * DAY) == due


def test_a_review_is_overdue_a_quarter_or_a_month_after_the_last_one() -> None:
    last = SignOff(at="2026-10-15T00:00:00Z", by="ana", note="", findings=2, digest="ab", due="2027-01-14")
    assert review(facts(last=last)).overdue
    assert not review(facts(last=last, now=NOW - DAY)).overdue
    grown = review(facts(last=last, snapshot=snapshot(team_size=10), now=NOW - 60 * DAY))
    assert (grown.due, grown.overdue) == ("2026-11-14", True)


def page(made: Review) -> str:
    return markdown(made)


def test_the_page_reads_from_verdicts_to_access_to_sign_off() -> None:
    told = page(review(facts(keep_days=30, kill=Kill(seconds=3.0))))
    headings = [line for line in told.splitlines() if line.startswith("#")]
    assert headings[0] == "# Review of 2027-01-15, prod"
    assert headings[-2:] == ["## Access", "## Sign-off"]
    assert "- [ ] Calls are kept for 30 days; 90 are the least." in told
    assert (
        "| key `key_1` | web | shop | caller | live | ana | 2027-01-14 | 2027-03-01 | keep (cli:ana) |"
        in told
    )
    assert "Findings now: 2." in told


def test_a_strange_name_breaks_no_table() -> None:
    odd = KEY.__class__(
        **{**{f: getattr(KEY, f) for f in KEY.__struct_fields__}, "name": "a|b\n<script>", "decision": ""}
    )
    told = page(review(facts(access=[odd])))
    assert "| a\\|b &lt;script> |" in told
    assert list(undecided(review(facts(access=[odd])))) == [odd]
