"""Embedding models that stand in for each other are told of: what they make cannot be compared."""

from __future__ import annotations

from datetime import date

import pytest

from trunkline.registry.lint import lint

from .conftest import Load

SMALL, LARGE, OTHER = (
    "openai/text-embedding-3-small",
    "openai/text-embedding-3-large",
    "mistral/mistral-embed",
)
AZURE = "azure-openai/text-embedding-3-small"
BASE = """\
version: 1
integrations:
  openai: {{secret: env:A{openai}}}
  mistral: {{secret: env:B}}
  azure-openai:
    secret: env:C
    base_url: https://x.openai.azure.com
    models: [{{id: text-embedding-3-small, kind: embedding}}, {{id: vectors-of-ours, kind: embedding}}]
models:
  here: {models}
  spare: {{target: mistral/mistral-embed}}
"""


@pytest.mark.row("A3", "F4")
@pytest.mark.parametrize(
    ("models", "openai", "items"),
    [
        (f"{{target: {SMALL}, fallback: [{OTHER}]}}", "", ["models.here.fallback[0]"]),
        (f"{{target: {SMALL}, fallback: spare}}", "", ["models.here.fallback"]),
        (f"{{targets: [{SMALL}, {LARGE}]}}", "", ["models.here.targets[1]"]),
        (f"{{targets: [{SMALL}, {AZURE}, {{target: {OTHER}, weight: 0}}]}}", "", ["models.here.targets[2]"]),
        (f"{{targets: [{SMALL}, {AZURE}], fallback: [{LARGE}]}}", "", ["models.here.fallback[0]"]),
        (f"{{target: {SMALL}, fallback: azure-openai/vectors-of-ours}}", "", ["models.here.fallback"]),
        (f"{{target: {SMALL}, fallback: azure-openai/new-embed-1}}", "", ["models.here.fallback"]),
        (f"{{target: {SMALL}}}", f", fallback: {OTHER}", ["integrations.openai.fallback"]),
        (f"{{target: {SMALL}, fallback: {AZURE}}}", "", []),
        (f"{{targets: [{SMALL}, {AZURE}]}}", ", fallback: mistral", []),
        (f"{{targets: [openai/gpt-4o-mini, {SMALL}]}}", "", ["models.here.targets[0]"]),
        (f"{{target: openai/gpt-4o-mini, fallback: {OTHER}}}", "", ["models.here.fallback"]),
        (f"{{target: {SMALL}, fallback: {{kind: defer}}}}", "", []),
        ("{targets: [openai/gpt-4o-mini, mistral/mistral-small-2603]}", "", []),
        ("{target: openai/gpt-4o-mini, fallback: mistral/mistral-small-2603}", "", []),
    ],
)
def test_other_vectors_are_warned_of_where_they_come_in(
    loaded: Load, models: str, openai: str, items: list[str]
) -> None:
    run = lint(loaded(BASE.format(models=models, openai=openai)), today=date(2026, 11, 21))
    found = [(f.severity, f.item) for f in run if f.code == "other-vectors"]
    assert found == [("warning", item) for item in items]


def test_the_finding_names_both_models_and_the_cure(loaded: Load) -> None:
    text = BASE.format(models=f"{{targets: [{SMALL}, {OTHER}]}}", openai="")
    (said,) = [f for f in lint(loaded(text), today=date(2026, 11, 21)) if f.code == "other-vectors"]
    assert f"`{SMALL}` and by `{OTHER}`" in said.message
    assert "same model" in said.cure
    assert text.splitlines()[said.line - 1].strip().startswith("here:")
