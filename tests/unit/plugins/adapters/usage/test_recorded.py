"""Usage as vendors really told it: what we read and bill is what their own pages make of the same figures, to the femtodollar.

`tests/corpus/usage/recorded.jsonl` holds figures alone, each with its source and date; `formulas.json` how the vendor says that they
are counted. The formulas are worked out here with decimals and know nothing of our readers. The price is one that gives every
kind another figure, so that no mistake hides.
"""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from trunkline.core.ports import Reading
from trunkline.core.price import Price, Tier
from trunkline.core.pricing import Bill, Rates, bill
from trunkline.plugins.adapters import ADAPTERS

CORPUS = Path(__file__).parents[4] / "corpus" / "usage"
ROWS: list[dict[str, Any]] = [
    json.loads(line) for line in (CORPUS / "recorded.jsonl").read_text(encoding="utf-8").splitlines()
]
FORMULAS: dict[str, dict[str, Any]] = json.loads((CORPUS / "formulas.json").read_text(encoding="utf-8"))
PER_MILLION = {
    "input": "3", "cached": "0.3", "cache_write": "3.75", "cache_write_1h": "6", "reasoning": "17", "output": "15",
    "audio_input": "11", "audio_cached": "1.1", "audio_output": "64", "image_input": "7", "image_cached": "0.7", "image_output": "30",
}  # fmt: skip
EACH = {"web_search": "0.01", "file_search": "0.0025", "container": "0.03"}
TIERS = {"flex": "0.5", "priority": "1.8"}
RATES = Rates(
    "vendor/model",
    Price(
        **{kind: float(usd) for kind, usd in PER_MILLION.items()},
        fees={fee: float(usd) for fee, usd in EACH.items()},
        service={tier: Tier(factor=float(factor)) for tier, factor in TIERS.items()},
    ),
)


def told(row: dict[str, Any]) -> dict[str, Any]:
    """What was said in all. A stream says it in pieces: of Anthropic's each adds to the one before, of others the last holds. Where
    Anthropic went on by itself, what is billed is the sum of the model's own turns (its pages on compaction and on the advisor).
    """
    whole: dict[str, Any] = {}
    for said in row["said"] if row["dialect"] == "anthropic-messages" else row["said"][-1:]:
        whole |= said
    own = [one for one in whole.get("iterations", ()) if one["type"] in ("message", "compaction")]
    if len(own) > 1:
        whole |= {name: sum(one.get(name, 0) for one in own) for name in own[0] if name.endswith("_tokens")}
    return whole


def figure(said: Any, path: str) -> Decimal:
    """The number at a path; `a|b`: the first that is there; `list[KIND]`: of that modality; `?flag:path`: where the flag is set."""
    if path.startswith("?"):
        flag, _, path = path[1:].partition(":")
        return figure(said, path) if said.get(flag) else Decimal(0)
    for one in path.split("|"):
        value = said
        for name in one.split("."):
            name, _, kind = name.rstrip("]").partition("[")
            value = (value or {}).get(name)
            if kind:
                value = sum(item.get("tokenCount", 0) for item in value or () if item["modality"] == kind)
        if value is not None:
            return Decimal(repr(value))
    return Decimal(0)


def worked_out(row: dict[str, Any]) -> tuple[dict[str, Decimal], Decimal]:
    """What was used by kind, and what it costs, as the vendor's page has it."""
    said = told(row)
    own = FORMULAS.get(f"{row['vendor']} {row['dialect']}")
    formula = own if own and ("told" not in own or "cost" in said) else FORMULAS[row["dialect"]]
    used = {
        kind: sum(
            (-figure(said, term[1:]) if term.startswith("-") else figure(said, term) for term in terms),
            Decimal(0),
        )
        for kind, terms in formula.items()
        if kind != "source"
    }
    if "told" in used:
        return {"told": Decimal(1)}, used["told"]
    factor = Decimal(TIERS.get(row.get("billed_tier", ""), "1"))
    used |= {fee: Decimal(n) for fee, n in row.get("hosted", {}).items() if fee in EACH}
    cost = sum(
        n * (Decimal(EACH[kind]) if kind in EACH else factor * Decimal(PER_MILLION[kind]) / 10**6)
        for kind, n in used.items()
    )
    advised = sum(one["type"] == "advisor_message" for one in said.get("iterations", ()))
    used["advisor"] = Decimal(
        advised
    )  # another model's turns, at that one's price: counted, and no part of the cost
    return {kind: n for kind, n in used.items() if n}, Decimal(cost)


def answered(row: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """An answer of the dialect that says no more than this."""
    hosted = row.get("hosted", {})
    if row["dialect"] == "gemini-generate":
        queries = [f"query {n}" for n in range(hosted.get("web_search", 0))]
        found = {"groundingMetadata": {"webSearchQueries": queries}, "finishReason": "STOP"}
        return {"modelVersion": row["model"], "usageMetadata": said, "candidates": [found]}
    body = {"model": row["model"], "usage": said}
    if row["dialect"] == "openai-responses":
        body["output"] = [
            *({"type": "web_search_call", "action": {"type": "search"}} for _ in range(hosted.get("web_search", 0))),
            *({"type": "web_search_call", "action": {"type": "open_page"}} for _ in range(hosted.get("page_opened", 0))),
            *({"type": "file_search_call"} for _ in range(hosted.get("file_search", 0))),
            *({"type": "code_interpreter_call", "container_id": f"c{n}"} for n in range(hosted.get("container", 0))),
        ]  # fmt: skip
    if row.get("tier"):
        body["service_tier"] = row["tier"]
    return body


def events(row: dict[str, Any]) -> list[dict[str, Any]]:
    """A stream of the dialect that says no more than this."""
    if row["dialect"] == "anthropic-messages":
        first, *rest = row["said"]
        begun = {"type": "message_start", "message": {"model": row["model"], "usage": first}}
        return [begun, *({"type": "message_delta", "delta": {}, "usage": one} for one in rest)]
    if row["dialect"] == "openai-responses":
        return [{"type": "response.completed", "response": answered(row, row["said"][-1])}]
    return [{**answered(row, one), "choices": []} for one in row["said"]]


def billed(row: dict[str, Any]) -> Bill | None:
    adapter, into = ADAPTERS[row["dialect"]], Reading()
    if row["stream"]:
        for event in events(row):
            name = f"event: {event['type']}\n" if "type" in event else ""
            adapter.watch(f"{name}data: {json.dumps(event)}\n\n".encode(), into)
    else:
        adapter.read(json.dumps(answered(row, row["said"][0])).encode(), into)
    return bill(RATES, into)


@pytest.mark.row("A4", "O2")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['vendor']}-{row['dialect']}")
def test_what_a_vendor_told_is_billed_as_its_page_says(row: dict[str, Any]) -> None:
    used, cost_usd = worked_out(row)
    found = billed(row)
    assert found is not None
    assert {what: Decimal(units) for what, units, _ in found.parts if units} == used
    assert abs(Decimal(found.cost_usd) - cost_usd) < Decimal("1e-12")


def test_there_are_enough_of_them_and_each_says_where_it_is_from() -> None:
    assert len(ROWS) >= 200
    assert len({row["vendor"] for row in ROWS}) >= 15
    assert Counter(row["stream"] for row in ROWS)[True] >= 40
    assert all(row["source"].startswith("https://github.com/") and len(row["date"]) == 10 for row in ROWS)
