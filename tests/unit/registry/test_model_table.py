"""The table of models: right in form, dated, without contradictions; and what of it the catalog takes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec
import pytest

from trunkline.registry import catalog, model_table
from trunkline.registry.model_table import Row, Source, Table
from trunkline.registry.shape_vendor import Price

TABLES = sorted(path.stem for path in model_table.FOLDER.glob("*.json"))
FIGURES = ("context", "max_output", "price", "input", "output", "features", "released", "deprecated", "knowledge", "aliases")  # fmt: skip


def shipped(vendor: str) -> Table:
    found = model_table.table(vendor)
    assert found is not None
    return found


@pytest.mark.row("A4")
@pytest.mark.parametrize("vendor", TABLES)
def test_every_figure_has_a_source_with_a_date(vendor: str) -> None:
    known = shipped(vendor)
    undated = [
        (row.id, figure)
        for row in known.models
        for figure in FIGURES
        if getattr(row, figure) and known.source(row, figure) is None
    ]
    assert undated == []
    today = date.fromisoformat(known.built)
    assert all(date.fromisoformat(source.date) <= today for source in known.sources.values())


@pytest.mark.row("A4")
@pytest.mark.parametrize("vendor", TABLES)
def test_figures_do_not_contradict_each_other(vendor: str) -> None:
    known, entry = shipped(vendor), catalog.entry(vendor)
    names = [name for row in known.models for name in (row.id, *row.aliases)]
    assert len(set(names)) == len(names), "a name that means two models"
    assert [row.id for row in known.models] == [model.id for model in entry.models]
    ends = {model.id: model.shutdown for model in entry.models}
    for row in known.models:
        assert not row.context or row.max_output <= row.context
        assert not set(row.features) & set(row.lacks)
        days = [day for day in (row.released, row.deprecated, ends[row.id]) if day]
        assert days == sorted(days), "released, then deprecated, then shut down"
        for day in days:
            date.fromisoformat(day)


@pytest.mark.row("A4")
@pytest.mark.parametrize("vendor", TABLES)
def test_no_price_is_one_of_another_unit(vendor: str) -> None:
    """Lists mix dollars a minute, a character or a page under dollars a million tokens; such figures are tiny."""
    prices = {row.id: row.price for row in shipped(vendor).models if row.price}
    tiny = {name for name, p in prices.items() if 0 < p.input < 0.004 or 0 < p.output < 0.004}
    assert tiny == set()


@pytest.mark.parametrize("vendor", TABLES)
def test_files_read_as_they_are_written(vendor: str) -> None:
    content = (model_table.FOLDER / f"{vendor}.json").read_bytes()
    assert model_table.encoded(shipped(vendor)) == content


def test_every_ai_vendor_with_models_has_a_table() -> None:
    entries = {name: catalog.entry(name) for name in catalog.names()}
    assert {name for name, entry in entries.items() if entry.models} == set(TABLES)


ROW = Row(
    id="m-1",
    context=1000,
    max_output=100,
    price=Price(input=1.0, output=2.0),
    features=["tools", "vision"],
    aliases=["m-1-2026"],
    sources={"price": "page", "vision": "page"},
)
MADE = Table(
    vendor="acme",
    built="2026-11-21",
    sources={
        "list": Source(name="a list", date="2026-11-01"),
        "page": Source(name="a page", date="2026-11-20"),
    },
    figures={"context": "list", "max_output": "list", "features": "list", "aliases": "list", "price": "list"},
    models=[ROW, Row(id="m-2")],
)


def test_a_source_is_that_of_the_figure_or_else_of_its_kind() -> None:
    told = {f: MADE.source(ROW, f) for f in ("context", "price", "tools", "vision", "released")}
    read, page = MADE.sources["list"], MADE.sources["page"]
    assert told == {"context": read, "price": page, "tools": read, "vision": page, "released": None}


def test_the_catalog_takes_figures_where_its_own_file_says_none(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "acme.json").write_bytes(model_table.encoded(MADE))
    (tmp_path / "acme.yaml").write_text(
        "title: Acme\nkind: ai\nbase_url: https://a.example.com\nmodels:\n  - {id: m-1, context: 500}\n  - {id: m-2}\n  - {id: m-3}\n"
    )
    first, second, third = catalog.entry("acme", tmp_path).models
    assert (first.context, first.max_output, first.aliases) == (500, 100, ["m-1-2026"])
    assert first.price == Price(input=1.0, output=2.0, source="a page", date="2026-11-20")
    assert [(m.context, m.max_output, m.price) for m in (second, third)] == [(0, 0, None), (0, 0, None)]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (b'{"vendor":"x","built":"2026-11-21","sources":{},"figures":{},"models":[{"id":"a","contxt":1}]}', "contxt"),
        (b'{"vendor":"x","built":"21.11.2026","sources":{},"figures":{},"models":[]}', "built"),
        (b'{"vendor":"x","built":"2026-11-21","sources":{},"figures":{},"models":[{"id":"a","features":["magic"]}]}', "magic"),
    ],
)  # fmt: skip
def test_a_wrong_table_is_refused(given: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(given)
    with pytest.raises(msgspec.ValidationError, match=says):
        model_table.table("x", tmp_path)
