"""What is done instead must exist, speak the same format, lead elsewhere, and be written with the keys of its kind."""

import pytest

from .conftest import Load, Refused

BASE = """\
version: 1
integrations:
  openai: {{secret: env:A{openai}}}
  groq: {{secret: env:B}}
  anthropic: {{secret: env:C}}
  crm: {{base_url: 'https://crm.example.com'{crm}}}
models:
  fast: {{target: openai/gpt-4o-mini{fast}}}
  big: {{target: groq/llama-3.3-70b-versatile}}
routes: {{llm: {route}, spare: groq}}
"""


def registry(*, openai: str = "", crm: str = "", fast: str = "", route: str = "openai") -> str:
    def more(text: str) -> str:
        return f", {text}" if text else ""

    return BASE.format(openai=more(openai), crm=more(crm), fast=more(fast), route=route)


@pytest.mark.row("F4", "R4")
@pytest.mark.parametrize(
    ("fallback", "code", "item", "says"),
    [
        ("{kind: target}", "missing-key", "fallback", "needs `target`. Write e.g. `{kind: target, target: another"),
        ("{kind: stale}", "missing-key", "fallback", "`{kind: stale, max_age: 1h}`"),
        ("[{kind: static}]", "missing-key", "fallback[0]", "needs `body`"),
        ("[{kind: template}]", "missing-key", "fallback[0]", "needs `body`"),
        ("{kind: later}", "bad-value", "fallback.kind", "Known: defer, stale, static, target, template."),
        ("{target: groq}", "missing-key", "fallback", "`kind` is missing"),
        ("[{kind: target, to: groq}]", "unknown-key", "fallback[0].to", "Known: body, content_type"),
        ("{kind: defer, max_age: 1h}", "unused-key", "fallback.max_age", "another kind: stale."),
        ("{kind: defer, status: 202}", "unused-key", "fallback.status", "another kind: static, template."),
        ("{kind: stale, max_age: 0s}", "bad-value", "fallback.max_age", "at least 1s."),
        ("{kind: defer, deadline: 31d}", "bad-value", "fallback.deadline", "at most 30d."),
        ("{kind: static, body: x, status: 99}", "bad-value", "fallback.status", "at least 200"),
        ("{kind: defer, on: [netwrk]}", "unknown-code", "fallback.on[0]", "Did you mean `network`?"),
        ("opnai", "unknown-target", "fallback", "Did you mean `openai`?"),
        ("[nothing-like-it]", "unknown-target", "fallback[0]", "Known: anthropic, big, crm, fast, groq, llm"),
        ("[grok/llama]", "unknown-target", "fallback[0]", "Did you mean `groq`?"),
        ("[openai]", "fallback-cycle", "fallback[0]", "leads back to `openai` itself"),
        ("[llm]", "fallback-cycle", "fallback[0]", "leads back to `openai` itself"),
        ("[groq, spare]", "fallback-cycle", "fallback[1]", "stands in this chain before"),
        ("[big, groq/llama-3.3-70b-versatile]", "fallback-cycle", "fallback[1]", "stands in this chain before"),
        ("[crm]", "other-dialect", "fallback[0]", "`crm` speaks: no AI wire format."),
        ("[crm/gpt]", "unknown-model", "fallback[0]", "serves no AI wire format"),
        ("{kind: template, body: 'a {{ title }}'}", "bad-placeholder", "fallback.body", "neither a JSON pointer"),
        ("{kind: template, body: {a: ['{{ cod }}']}}", "bad-placeholder", "fallback.body", "Did you mean `code`?"),
        ("{kind: static, body: '{\"a\": '}", "bad-body", "fallback.body", "The body is no JSON"),
        ("{kind: static, body: sorry, content_type: application/problem+json}", "bad-body", "fallback.body", "no JSON"),
    ],
)  # fmt: skip
def test_an_error_names_item_and_cure(
    refused: Refused, fallback: str, code: str, item: str, says: str
) -> None:
    (fault,) = refused(registry(openai=f"fallback: {fallback}"))
    assert (fault.code, fault.line) == (code, 3)
    assert fault.item.removesuffix(".target") == f"integrations.openai.{item}"
    assert says in f"{fault.message} {fault.cure}"


@pytest.mark.parametrize(
    ("where", "item", "line"),
    [
        (
            {"openai": "operations: [{name: chat_completions, fallback: [openai]}]"},
            "integrations.openai.operations[0].fallback[0].target",
            3,
        ),
        ({"fast": "fallback: [openai/gpt-4o-mini]"}, "models.fast.fallback[0].target", 8),
        ({"fast": "fallback: fast"}, "models.fast.fallback.target", 8),
        ({"route": "{integration: openai, fallback: [groq, openai]}"}, "routes.llm.fallback[1].target", 10),
    ],
)
def test_operations_models_and_routes_are_looked_at_as_well(
    refused: Refused, where: dict[str, str], item: str, line: int
) -> None:
    (fault,) = refused(registry(**where))
    assert (fault.code, fault.item, fault.line) == ("fallback-cycle", item, line)


@pytest.mark.row("F4")
@pytest.mark.parametrize(
    "where",
    [
        {"openai": "fallback: groq"},
        {"openai": "fallback: [groq, openai/gpt-4o]"},
        {"openai": "fallback: [big, {kind: stale, max_age: 90d}, {kind: defer}]"},
        {"openai": "fallback: {kind: static, body: sorry}"},
        {"openai": "fallback: {kind: template, body: '{{ /messages/0/content }} {{ code }}'}"},
        {"openai": "fallback: [], operations: [{name: embeddings, fallback: []}]"},
        {"crm": "fallback: anthropic"},
        {"openai": "fallback: anthropic"},
        {"crm": "fallback: {kind: static, body: [1, 2], status: 503}"},
        {"fast": "fallback: [openai/gpt-4o, spare, big]"},
        {"route": "{integration: openai, fallback: groq}"},
    ],
)
def test_what_can_help_is_accepted(loaded: Load, where: dict[str, str]) -> None:
    assert loaded(registry(**where)).findings == []


@pytest.mark.row("F13")
@pytest.mark.parametrize(
    ("target", "code", "says"),
    [
        ("gpt-5", "unknown-target", "Write `integration/model`, or a name of `models`."),
        ("bigg", "unknown-target", "Did you mean `big`?"),
        ("groq", "unknown-target", "names no model"),
        ("opnai/gpt-5", "unknown-target", "names no model of this registry"),
        ("crm/gpt-5", "unknown-model", "serves no AI wire format"),
    ],
)
def test_a_bigger_model_must_be_one_that_can_go_on(
    refused: Refused, target: str, code: str, says: str
) -> None:
    (fault,) = refused(registry(openai=f"repair: {{bigger_context: {target}}}"))
    assert (fault.code, fault.item) == (code, "integrations.openai.repair.bigger_context")
    assert says in f"{fault.message} {fault.cure}"


@pytest.mark.parametrize(
    "target", ["big", "openai/gpt-4.1", "groq/llama-3.3-70b-versatile", "anthropic/claude-opus-5-5"]
)
def test_a_bigger_model_may_be_of_any_vendor_of_models(loaded: Load, target: str) -> None:
    assert loaded(registry(openai=f"repair: {{bigger_context: {target}}}")).findings == []


def test_two_vendors_may_stand_in_for_each_other(loaded: Load) -> None:
    """A call goes by one chain only, that of what its caller named; so nothing runs in circles."""
    text = registry(openai="fallback: groq").replace("secret: env:B", "secret: env:B, fallback: openai")
    assert loaded(text).findings == []


def test_an_unused_placeholder_of_a_fixed_answer_is_left_alone(loaded: Load) -> None:
    run = loaded(registry(openai="fallback: {kind: static, body: 'a {{ b }}'}"))
    assert run.snapshot.services[0].fallback[0].body == "a {{ b }}"


def test_every_fault_of_a_chain_is_told(refused: Refused) -> None:
    found = refused(registry(openai="fallback: [crm, {kind: stale}, {kind: defer, on: [x]}]"))
    assert [f.code for f in found] == ["other-dialect", "missing-key", "unknown-code"]
