"""`trunkline models`: lists, one model with its sources, several beside each other, what ends; how old prices are."""

from datetime import date

import pytest

from trunkline.cli import models

REGISTRY = """\
version: 1
integrations:
  openai: {secret: env:OPENAI_API_KEY, models: [{id: gpt-5, price: {input: 1, output: 2}}]}
  anthropic: {secret: env:ANTHROPIC_API_KEY}
models:
  fast: {target: openai/gpt-4o-mini}
  shared: {targets: [openai/gpt-5, anthropic/claude-haiku-4-5]}
"""


@pytest.fixture(autouse=True)
def registry(tmp_path, trunkline, monkeypatch):
    (tmp_path / "trunkline.yaml").write_text(REGISTRY)
    monkeypatch.setattr(models, "_today", lambda: date(2026, 11, 22))


def ids(ran):
    return [one["id"] for one in ran.json["models"]]


@pytest.mark.row("A4")
def test_own_names_come_first_then_the_models_of_the_registry(trunkline):
    ran = trunkline("models")
    lines = [line.split() for line in ran.out.splitlines()]
    assert lines[0] == ["model", "kind", "context", "output", "$/M", "in", "$/M", "out", "ends"]
    assert lines[1] == ["fast", "->", "openai/gpt-4o-mini"]
    assert lines[2] == ["shared", "->", "openai/gpt-5,", "anthropic/claude-haiku-4-5"]
    assert lines[3] == ["openai/gpt-5", "chat", "400000", "128000", "1", "2", "2026-12-11"]
    assert ran.err == "Prices in USD; the oldest was read 1 day ago.\n"


@pytest.mark.row("A4")
def test_a_list_is_narrowed_by_what_is_needed(trunkline):
    found = ids(trunkline("models", "list", "--feature", "tools", "--takes", "image", "--under", "0.2",
                          "--context", "1M", "--json"))  # fmt: skip
    assert "openai/gpt-6-luna" in found
    assert "openai/gpt-5" not in found
    soon = ids(trunkline("models", "list", "--ends-before", "2026-12-31", "--json"))
    assert "openai/gpt-5" in soon
    assert "openai/gpt-4o" not in soon
    assert not [
        one for one in ids(trunkline("models", "list", "--vendor", "anthropic", "--json")) if "gpt" in one
    ]


def test_the_whole_catalog_is_searched_when_asked_for(trunkline):
    assert ids(trunkline("models", "search", "voyage-4", "--json")) == []
    assert "voyage/voyage-4" in ids(trunkline("models", "search", "voyage-4", "--all", "--json"))
    assert "--all" in trunkline("models", "search", "voyage-4").err


@pytest.mark.parametrize(
    ("sort", "first"),
    [("price", "anthropic/claude-haiku-5-5"), ("context", None), ("released", None), ("shutdown", None)],
)
def test_sorted_what_is_unknown_comes_last(trunkline, sort, first):
    found = trunkline("models", "search", "claude", "--sort", sort, "--json").json["models"]
    assert first in (None, found[0]["id"])
    key = {"price": "input_usd_per_million"}.get(sort, sort)
    there = [bool(one[key]) for one in found]
    assert there == sorted(there, reverse=True)


@pytest.mark.row("A4")
def test_one_model_with_where_each_figure_is_from(trunkline):
    ran = trunkline("models", "show", "gpt-5")
    rows = {line.split("  ")[0]: line for line in ran.out.splitlines()}
    assert "the registry" in rows["$/M input"]
    assert rows["context"].split()[-1] == "2026-11-21"
    assert "gpt-5.6-sol" in rows["instead"]
    assert rows["vendor's prices"].split()[-1] == "https://developers.openai.com/api/docs/pricing"
    told = trunkline("models", "show", "openai/gpt-5", "--json").json
    assert (told["overridden"], told["origin"]) == (["price"], "catalog")
    assert trunkline("models", "show", "voyage-4").code == 0, "the catalog's are found, too"


def test_a_name_that_is_unknown_or_unclear_is_told_with_the_cure(trunkline):
    ran = trunkline("models", "show", "gpt-5.x")
    assert (ran.code, "Did you mean" in ran.err) == (1, True)
    ran = trunkline("models", "show", "glm-5.2")
    assert ran.code == 1
    assert "Name one of them" in ran.err


def test_models_beside_each_other(trunkline):
    ran = trunkline("models", "compare", "gpt-5", "anthropic/claude-haiku-4-5")
    assert ran.out.splitlines()[0].split() == ["openai/gpt-5", "anthropic/claude-haiku-4-5"]
    assert next(line for line in ran.out.splitlines() if line.startswith("context")).split() == [
        "context",
        "400000",
        "200000",
    ]
    assert trunkline("models", "compare", "gpt-5", "nothing-like-it").code == 1


@pytest.mark.row("A4")
def test_what_ends_the_soonest_first(trunkline):
    found = trunkline("models", "deprecations", "--json").json
    ends = [one["shutdown"] for one in found if one["shutdown"]]
    assert ends == sorted(ends)
    assert "2026-08-05 (ended)" in trunkline("models", "deprecations").out
    assert {one["shutdown"] for one in trunkline("models", "deprecations", "--before", "2026-08-06", "--json").json} == {
        "2026-06-15", "2026-08-05",
    }  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [
        ("list", "--feature", "magic"),
        ("list", "--takes", "smell"),
        ("list", "--ends-before", "soon"),
        ("list", "--sort", "x"),
        ("list", "--context", "2x"),
    ],
)
def test_wrong_options_are_refused(trunkline, arguments):
    assert trunkline("models", *arguments).code == 2


@pytest.mark.row("A4")
def test_old_prices_are_warned_of(trunkline, monkeypatch):
    monkeypatch.setattr(models, "_today", lambda: date(2027, 6, 1))
    ran = trunkline("models")
    assert ran.err.startswith("Warning: the oldest of these prices was read 192 days ago.")
    assert trunkline("models", "--json").json["price_age_days"] == 192


@pytest.mark.parametrize(
    ("amount", "text"), [(0.0, "0"), (1.0, "1"), (0.075, "0.075"), (5e-05, "0.00005"), (6.666666666666667e-05, "0.000066666667")]
)  # fmt: skip
def test_money_is_written_out(amount, text):
    assert models.plain(amount) == text
