"""Models are named `vendor/model`, by a bare name that is unique, or by an alias of the registry's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.errors import CallError
from trunkline.core.service import Alias, Model, Service, Snapshot
from trunkline.engine.models import ModelTable, Served
from trunkline.testing import service


def table(*services: Service, **aliases: str) -> ModelTable:
    return ModelTable(
        Snapshot(
            version="1",
            created="",
            environment="dev",
            services=list(services),
            aliases=[Alias(name=name, target=target) for name, target in aliases.items()],
        )
    )


OPENAI = service("openai", models=[Model(id="gpt-4o"), Model(id="shared")], model_patterns=["gpt-*"])
GROQ = service("groq", models=[Model(id="shared"), Model(id="meta/llama")], model_patterns=["llama-*", "gpt-oss-*"])  # fmt: skip
BOTH = table(OPENAI, GROQ, fast="openai/gpt-4o", llama="groq/meta/llama")


@pytest.mark.row("A1")
@pytest.mark.parametrize(
    ("name", "served"),
    [
        ("gpt-4o", Served("openai", "gpt-4o", "")),
        ("openai/gpt-4o", Served("openai", "gpt-4o", "")),
        ("openai/not-in-the-catalog", Served("openai", "not-in-the-catalog", "")),
        ("groq/meta/llama", Served("groq", "meta/llama", "")),
        ("meta/llama", Served("groq", "meta/llama", "")),
        ("groq/shared", Served("groq", "shared", "")),
        ("gpt-99", Served("openai", "gpt-99", "")),
        ("fast", Served("openai", "gpt-4o", "fast")),
        ("llama", Served("groq", "meta/llama", "llama")),
    ],
)
def test_a_name_finds_its_vendor(name: str, served: Served) -> None:
    assert BOTH.find(name) == served
    assert BOTH.find(name) == served, "remembered"


@pytest.mark.row("A1")
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("shared", "model 'shared' is served by several integrations; name one: openai/shared, groq/shared"),
        ("gpt-oss-1", "model 'gpt-oss-1' could belong to several integrations; name one: groq/gpt-oss-1, openai/gpt-oss-1"),
        ("gtp-4o", "no integration serves a model named 'gtp-4o'; did you mean 'gpt-4o'?"),
        ("zzzz", "no integration serves a model named 'zzzz'; `GET /v1/models` lists what this key may use"),
        ("nobody/gpt", None),
        ("openai/", None),
        ("/gpt", None),
        ("", None),
    ],
)  # fmt: skip
def test_a_name_that_is_none_or_several_is_refused_with_the_cure(name: str, told: str | None) -> None:
    with pytest.raises(CallError) as caught:
        BOTH.find(name)
    assert (caught.value.code, caught.value.scope) == ("unknown_model", "model")
    assert told is None or caught.value.message == told


@given(st.text(max_size=300))
def test_any_name_is_found_or_refused(name: str) -> None:
    try:
        served = BOTH.find(name)
    except CallError:
        return
    assert served.service in ("openai", "groq")
    assert served.model in name or served.alias == name


def test_disabled_integrations_and_those_without_a_dialect_serve_no_models() -> None:
    none = table(service("off", enabled=False), service("rest", dialects=[]))
    assert none.listed == []
    for name in ("off/tiny", "rest/tiny", "tiny"):
        with pytest.raises(CallError):
            none.find(name)


def test_the_list_names_each_model_by_vendor_and_each_alias() -> None:
    assert [row.id for row in BOTH.listed] == [
        "openai/gpt-4o", "openai/shared", "groq/shared", "groq/meta/llama", "fast", "llama",
    ]  # fmt: skip
    assert BOTH.listed[4].model == OPENAI.models[0]


def test_an_alias_to_nothing_is_no_name() -> None:
    with pytest.raises(CallError):
        table(OPENAI, lost="nowhere/gpt").find("lost")


def test_an_alias_may_take_a_vendors_name_and_wins() -> None:
    assert table(OPENAI, **{"gpt-4o": "openai/shared"}).find("gpt-4o") == Served("openai", "shared", "gpt-4o")


def test_names_that_were_found_are_remembered_within_bounds() -> None:
    grown = table(OPENAI)
    for n in range(5000):
        grown.find(f"openai/m{n}")
    assert len(grown._cache) == 4096
