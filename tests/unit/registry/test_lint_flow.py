"""Advice about fallbacks that cannot help, hedges that cannot happen and budgets that nobody hears of."""

from datetime import date

import pytest

from trunkline.registry.lint import RULES, lint

from .conftest import Load

BASE = """\
version: 1
defaults: {{owner: a@example.com, rotation: {{every: 90d, last: 2026-11-01}}}}
integrations:
  openai: {{secret: env:A, data: [], runbook: https://wiki.example.com/o{openai}}}
  groq: {{secret: env:B, data: [], runbook: https://wiki.example.com/g{groq}}}
  twilio: {{secret: env:C, data: [], runbook: https://wiki.example.com/t{twilio}}}
"""
HOOK = "notify: {webhook: 'https://hooks.example.com/t', webhook_secret: env:W}\n"
NEW = {
    "stale-without-cache",
    "fallback-disabled",
    "defer-without-notify",
    "hedge-without-use",
    "hedge-without-money",
    "budget-without-effect",
    "budget-without-alerts",
    "drills-not-run",
}


def found(load: Load, rest: str = "", **more: str) -> list[tuple[str, str, str]]:
    text = BASE.format(
        **{name: f", {more[name]}" if name in more else "" for name in ("openai", "groq", "twilio")}
    )
    run = lint(load(text + rest), today=date(2026, 11, 21))
    return [(f.code, f.severity, f.item) for f in run if f.code in RULES]


def test_nothing_is_said_where_nothing_is_declared(loaded: Load) -> None:
    assert set(RULES) >= NEW
    assert found(loaded) == []


@pytest.mark.row("F4", "F11")
@pytest.mark.parametrize(
    ("openai", "items"),
    [
        ("fallback: {kind: stale, max_age: 1h}", ["integrations.openai.fallback"]),
        ("fallback: [groq, {kind: stale, max_age: 1h}]", ["integrations.openai.fallback[1]"]),
        ("fallback: {kind: stale, max_age: 1h}, cache: {ttl: 1m}", []),
        ("fallback: {kind: stale, max_age: 1h}, operations: [{name: embeddings, cache: {ttl: 1m}}]", []),
        (
            "operations: [{name: embeddings, cache: {ttl: 1m}}, {name: responses, fallback: {kind: stale, max_age: 1h}}]",
            ["integrations.openai.operations[1].fallback"],
        ),
    ],
)
def test_an_older_answer_must_have_been_kept(loaded: Load, openai: str, items: list[str]) -> None:
    assert found(loaded, openai=openai) == [("stale-without-cache", "warning", item) for item in items]


@pytest.mark.row("F4")
def test_a_deferral_should_be_told(loaded: Load) -> None:
    assert found(loaded, openai="fallback: {kind: defer}") == [
        ("defer-without-notify", "info", "integrations.openai.fallback")
    ]
    assert found(loaded, HOOK, openai="fallback: {kind: defer}") == []


@pytest.mark.parametrize(
    "target", ["groq", "groq/meta-llama/llama-4-scout-17b-16e-instruct", "spare", "other"]
)
def test_what_is_switched_off_cannot_stand_in(loaded: Load, target: str) -> None:
    names = (
        f"routes: {{spare: groq, llm: {{integration: openai, fallback: [{target}]}}}}\n"
        "models: {other: {target: groq/meta-llama/llama-4-scout-17b-16e-instruct}}\n"
    )
    assert found(loaded, names) == []
    assert found(loaded, names, groq="enabled: false") == [
        ("fallback-disabled", "warning", "routes.llm.fallback[0]")
    ]


@pytest.mark.row("F5")
def test_a_hedge_must_be_able_to_happen(loaded: Load) -> None:
    never = "operations: [{name: send, method: POST, path: /send, repeat: never}]"
    own = f"  own: {{base_url: 'https://own.example.com', {never}, hedge: {{}}}}\n"
    assert ("hedge-without-use", "warning", "integrations.own.hedge") in found(loaded, own)
    assert found(loaded, openai="hedge: {after: 1s}") == [
        ("hedge-without-money", "warning", "integrations.openai.hedge")
    ]
    assert found(loaded, openai="hedge: {usd_per_day: 1}") == []


@pytest.mark.row("O2")
@pytest.mark.parametrize(
    ("budget", "rest", "expected"),
    [
        ("{usd: 5}", HOOK, []),
        ("{usd: 5}", "", [("budget-without-alerts", "info", "budgets.b")]),
        ("{usd: 5, alerts: []}", HOOK, [("budget-without-alerts", "info", "budgets.b")]),
        ("{usd: 5, alerts: [], hard: false}", HOOK, [("budget-without-effect", "warning", "budgets.b")]),
        ("{usd: 5, hard: false}", HOOK, []),
        ("{usd: 5}", "alerts: {a: {kinds: [budget], to: {kind: slack, secret: store:S}}}", []),
        (
            "{usd: 5}",
            "alerts: {a: {kinds: [incident], to: {kind: slack, secret: store:S}}}",
            [("budget-without-alerts", "info", "budgets.b")],
        ),
    ],
)
def test_a_budget_should_be_heard_of(
    loaded: Load, budget: str, rest: str, expected: list[tuple[str, str, str]]
) -> None:
    assert found(loaded, f"budgets: {{b: {budget}}}\n{rest}") == expected


@pytest.mark.row("F12")
def test_drills_that_are_never_run_in_production_are_told(loaded: Load) -> None:
    assert found(loaded, "drills: {every: 30d}\n") == [("drills-not-run", "info", "drills")]
    assert found(loaded, "drills: {every: 30d, production: true}\n") == []
    assert found(loaded, "environments: {staging: {drills: {every: 30d}}}\n") == []
