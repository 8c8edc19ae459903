"""The data map: declared beside observed, gaps said as gaps; as Markdown, CSV, JSON."""

from __future__ import annotations

import csv
import io

import msgspec
import pytest

from trunkline.core.handling import DataRules, Handling, Privacy, Samples
from trunkline.core.service import Operation, Service, Snapshot
from trunkline.ops.data.map import DataMap, data_map
from trunkline.ops.data.map_text import COLUMNS, markdown, table_csv

NOW = 1_795_262_400.0
STRIPE = Service(
    name="stripe",
    title="Stripe",
    owner="payments@shop.example",
    data=["pii.email", "payment", "pii.address"],
    privacy=Privacy(
        declared=True,
        forbid=["pii.national_id"],
        rules=DataRules(block=["payment.card"]),
        handling=Handling(
            purpose="payments", region="eu", retention="7 years", trains=False, dpa="https://dpa.example"
        ),
    ),
    operations=[Operation(name="refund", method="POST", path="/r", rules=DataRules(redact=["pii.name"]))],
)
OPENAI = Service(
    name="openai", title="OpenAI", privacy=Privacy(handling=Handling(retention="30 days", from_catalog=True))
)
QUIET = Service(name="quiet", samples=Samples(enabled=False), data=[], privacy=Privacy(declared=True))
SNAPSHOT = Snapshot(version="c0ffee", created="", environment="prod", services=[STRIPE, OPENAI, QUIET])


def seen(
    integration: str, category: str, samples: int = 1, side: str = "request", path: str = "x"
) -> dict[str, object]:
    return {
        "integration": integration, "operation": "op", "side": side, "path": path, "category": category, "samples": samples,
        "first_at": NOW - 60, "last_at": NOW, "correlation_ids": ["corr-1"],
    }  # fmt: skip


def used(
    integration: str, calls: int, feature: str = "", team: str = "", *, simulated: bool = False
) -> dict[str, object]:
    return {
        "integration": integration,
        "feature": feature,
        "team": team,
        "calls": calls,
        "simulated": simulated,
    }


@pytest.fixture
def found() -> DataMap:
    rows = [
        seen("stripe", "pii.email", 4),
        seen("stripe", "pii.national_id"),
        seen("stripe", "pii.name", 2),
        seen("stripe", "pii.phone", 9, path="phone"),
        seen("stripe", "pii.ip", side="answer"),
        seen("openai", "prompts", 7),
    ]
    usage = [
        used("stripe", 7, "checkout", "shop"),
        used("stripe", 2, "refunds", "shop"),
        used("openai", 5, simulated=True),
        used("old-vendor", 1, "reports"),
    ]
    return data_map(SNAPSHOT, rows, usage, NOW)


@pytest.mark.row("G2")
def test_declared_stands_beside_what_was_received(found: DataMap) -> None:
    names = [one.integration for one in found.integrations]
    assert names == ["old-vendor", "openai", "quiet", "stripe"]
    stripe = found.integrations[3]
    assert [(one.category, one.side, one.state) for one in stripe.observed] == [
        ("pii.email", "request", "declared"),
        ("pii.name", "request", "unsure"),
        ("pii.national_id", "request", "forbidden"),
        ("pii.phone", "request", "undeclared"),
        ("pii.ip", "answer", "unsure"),
    ]
    assert (stripe.calls, stripe.features, stripe.teams) == (9, ["checkout", "refunds"], ["shop"])
    assert (stripe.blocked, stripe.redacted, stripe.unseen) == (
        ["payment.card"],
        ["pii.name (refund)"],
        ["payment", "pii.address"],
    )
    assert stripe.not_declared == []


@pytest.mark.row("G2")
def test_what_nobody_declared_is_named(found: DataMap) -> None:
    old, openai, quiet, _ = found.integrations
    assert (old.in_registry, old.calls, len(old.not_declared)) == (False, 1, 6)
    assert openai.not_declared == ["owner", "data", "purpose", "region", "dpa"]
    assert (openai.declared, openai.calls, openai.simulated_calls) == (None, 0, 5)
    assert (quiet.declared, quiet.sampled, "data" in quiet.not_declared) == ([], False, False)


def test_markdown_says_not_declared_in_each_empty_cell(found: DataMap) -> None:
    text = markdown(found)
    line = next(row for row in text.splitlines() if row.startswith("| **openai**"))
    assert line == (
        "| **openai** | not declared | not declared | not declared | **prompts (undeclared)** | not declared | 30 days | "
        "not declared | not declared | none |"
    )
    assert "| **old-vendor** (not in the registry) |" in text
    assert "| **stripe** | payments@shop.example | payments | pii.email, payment, pii.address |" in text
    assert "- **Not declared: owner, data, purpose, region, dpa.**" in text
    assert "| pii.phone | requests | **undeclared** | 9 | 2026-11-21 | `op phone` |" in text
    assert "not looked at" in next(row for row in text.splitlines() if row.startswith("| **quiet**"))


def test_csv_has_a_line_for_each_integration_and_no_formula() -> None:
    service = msgspec.structs.replace(STRIPE, owner="=cmd()|x", title="a|b <i>")
    snapshot = msgspec.structs.replace(SNAPSHOT, services=[service])
    found = data_map(snapshot, [seen("stripe", "pii.phone", 9)], [], NOW)
    head, row = csv.reader(io.StringIO(table_csv(found)))
    told = dict(zip(head, row, strict=True))
    assert tuple(head) == COLUMNS
    assert (told["owner"], told["undeclared"], told["received"]) == ("'=cmd()|x", "pii.phone", "pii.phone")
    assert "=cmd()\\|x" in markdown(found)
    unsure = data_map(snapshot, [seen("stripe", "pii.phone", 1)], [], NOW)
    told = dict(zip(*csv.reader(io.StringIO(table_csv(unsure))), strict=True))
    assert (told["received"], told["unsure"]) == ("", "pii.phone"), (
        "as Markdown: what is not believed yet was not received"
    )
    assert "<i>" not in markdown(found)


def test_json_tells_undeclared_from_none(found: DataMap) -> None:
    told = {
        one["integration"]: one["declared"]
        for one in msgspec.json.decode(msgspec.json.encode(found))["integrations"]
    }
    assert told == {
        "old-vendor": None,
        "openai": None,
        "quiet": [],
        "stripe": ["pii.email", "payment", "pii.address"],
    }
