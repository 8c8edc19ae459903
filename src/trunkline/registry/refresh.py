"""`python -m trunkline.registry.refresh [--check] [VENDOR ...]`: brings prices and windows to those of the installed genai-prices.

For maintainers: `uv pip install genai-prices`, run this, read the diff, run the tests. Only models that the table lists and the
package knows are written; the others stay, and so does what was read elsewhere. Prices that hold at certain hours only are left out:
the figure of the other hours is taken. Not for: adding models or vendors, which a person does, nor for anything at run time.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.metadata import version
from typing import Any

import msgspec
from msgspec.structs import replace

from . import catalog, model_table
from .shape_vendor import Price

SOURCE = "genai"
"""What tables call it."""
PROVIDERS = {
    "azure-openai": "azure",
    "cloudflare-workers-ai": "cloudflare",
    "gemini": "google",
    "moonshot": "moonshotai",
    "voyage": "voyageai",
    "xai": "x-ai",
}
"""Catalog name -> theirs, where they differ."""
FIGURES = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cached",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "output_reasoning_mtok": "reasoning",
    "input_audio_mtok": "audio_input",
    "cache_audio_read_mtok": "audio_cached",
    "output_audio_mtok": "audio_output",
    "input_image_mtok": "image_input",
    "cache_image_read_mtok": "image_cached",
    "output_image_mtok": "image_output",
}
FEES = {
    "web_searches_kcount": ("web_search", 1000),
    "storage_searches_kcount": ("file_search", 1000),
    "requests_kcount": ("call", 1000),
    "audio_hours": ("second", 3600),
    "input_audio_hours": ("second", 3600),
    "input_mchars": ("character", 1_000_000),
    "input_document_kpages": ("page", 1000),
    "input_annotated_document_kpages": ("annotated_page", 1000),
}
"""Theirs -> the fee's name here, and how many uses theirs is for."""
GROUNDED = re.compile(r"gemini-[12][.-]")
"""Models whose searches on the web are billed by the answer that rests on them, however many they were; of later ones each search is
(ai.google.dev/gemini-api/docs/google-search: billing). The package tells both as searches."""
TIERS = {"service_tier": ("flex", "priority", "fast"), "processing": ("batch",), "speed": ("fast",)}

Numbers = dict[str, Decimal]


def price_of(model: Any, day: date) -> dict[str, Any]:
    """A model of the package as a `price:` of the catalog, as of a day; empty where it tells nothing that can be said so."""
    sheet = _standard(model.prices, day)
    usual, steps = _split(sheet)
    out: dict[str, Any] = dict(usual)
    if long := [{"above": above, **_changed(usual, step)} for above, step in steps.items()]:
        out["long"] = long
    if tiers := dict(_tiers(model, sheet, usual, steps, day)):
        out["service"] = tiers
    fees = {name: sheet[key] / per for key, (name, per) in FEES.items() if sheet.get(key) is not None}
    if fees:
        out["fees"] = fees
    return out


def _standard(prices: Any, day: date) -> dict[str, Any]:
    """The last price that holds at all hours of a day."""
    if not isinstance(prices, list):
        return dict(vars(prices))
    found = prices[0].prices
    for one in prices:
        if one.constraint is None or getattr(one.constraint, "start_date", date.max) <= day:
            found = one.prices
    return dict(vars(found))


def _split(sheet: Mapping[str, Any]) -> tuple[Numbers, dict[int, Numbers]]:
    """Figures of short requests, and all figures above each number of tokens."""
    usual, starts = {}, set()
    for key, name in FIGURES.items():
        price = sheet.get(key)
        if price is not None:
            usual[name] = getattr(price, "base", price)
            starts |= {tier.start for tier in getattr(price, "tiers", ())}
    steps = {}
    for start in sorted(starts):
        steps[start] = {
            name: next(
                (t.price for t in reversed(getattr(sheet[key], "tiers", ())) if t.start <= start), usual[name]
            )
            for key, name in FIGURES.items()
            if name in usual
        }
    return usual, steps


def _changed(usual: Numbers, other: Numbers) -> Numbers:
    """Of other figures what must be said: input and output, and what does not change as they do."""
    told = {}
    for name, figure in other.items():
        lead = "output" if name in ("output", "reasoning", "audio_output", "image_output") else "input"
        follows = name != lead and lead in usual and usual[name] * other[lead] == figure * usual[lead]
        if not follows:
            told[name] = figure
    return told


def _tiers(
    model: Any, sheet: Mapping[str, Any], usual: Numbers, steps: dict[int, Numbers], day: date
) -> Iterator[tuple[str, dict[str, Any]]]:
    for variant in model.price_variants or ():
        names = [word for key, word in variant.when.items() if word in TIERS.get(key, ())]
        start = getattr(variant.constraint, "start_date", date.min)
        if len(variant.when) != 1 or not names or start > day:
            continue
        own = {key: value for key, value in vars(variant.prices).items() if value is not None}
        figures, longer = _split({**sheet, **own})
        longer = dict.fromkeys(steps, figures) | longer  # without steps of its own: one price for all lengths
        factor = _factor(usual, figures)
        if factor and all(
            longer[a][name] == step[name] * factor for a, step in steps.items() for name in step
        ):
            yield names[0], {"factor": factor}
            continue
        tier: dict[str, Any] = _changed(usual, figures)
        if longer:
            tier["long"] = [{"above": above, **_changed(figures, step)} for above, step in longer.items()]
        yield names[0], tier


def _factor(usual: Numbers, figures: Numbers) -> Decimal | None:
    """By what all figures differ, if that is a short number."""
    ratios = {figures[name] / usual[name] for name in usual if usual[name]}
    factor = next(iter(ratios), Decimal(0))
    return factor if len(ratios) == 1 and len(str(factor)) <= 6 else None


def refreshed(made: model_table.Table, provider: Any, day: date, source: str) -> model_table.Table:
    """A table with the prices and windows that the package tells of its models, where they were the package's before or unknown."""
    sources = {**made.sources, SOURCE: model_table.Source(name=source, date=day.isoformat())}
    rows = [_refreshed(made, row, provider, day) for row in made.models]
    built = (
        day.isoformat()
        if any(new is not old for new, old in zip(rows, made.models, strict=True))
        else made.built
    )
    return replace(made, built=built, sources=sources, models=rows)


def _refreshed(made: model_table.Table, row: model_table.Row, provider: Any, day: date) -> model_table.Row:
    theirs = provider.find_model(row.id.lower())
    if theirs is None:
        return row
    changed: dict[str, Any] = {}
    told = price_of(theirs, day)
    if "fees" in told and GROUNDED.match(row.id):
        told["fees"] = {{"web_search": "grounded"}.get(name, name): usd for name, usd in told["fees"].items()}
    if told and (row.price is None or _is_theirs(made, row, "price")):
        changed["price"] = msgspec.convert(_plain(told), Price)
    if theirs.context_window and (not row.context or _is_theirs(made, row, "context")):
        changed["context"] = theirs.context_window
    sources = {figure: word for figure, word in row.sources.items() if figure not in changed}
    for figure in changed:
        if made.figures.get(figure) != SOURCE:
            sources[figure] = SOURCE
    new = replace(row, **changed, sources=sources)
    return row if new == row else new


def _is_theirs(made: model_table.Table, row: model_table.Row, figure: str) -> bool:
    return (row.sources.get(figure) or made.figures.get(figure)) == SOURCE


def _plain(value: Any) -> Any:
    """Numbers as the table writes them."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return float(value) if isinstance(value, Decimal) else value


def main(arguments: list[str]) -> int:
    """Writes what has changed; with `--check` it only says so and fails."""
    check = "--check" in arguments
    names = [word for word in arguments if not word.startswith("-")] or catalog.names()
    try:
        data = importlib.import_module("genai_prices.data")
    except ImportError:
        sys.stderr.write("genai-prices is not installed: `uv pip install genai-prices`.\n")
        return 1
    providers = {provider.id: provider for provider in data.providers}
    source = f"genai-prices {version('genai-prices')} (PyPI)"
    today, stale = datetime.now(UTC).date(), []
    for name in names:
        made, provider = model_table.table(name), providers.get(PROVIDERS.get(name, name))
        if made is None or provider is None:
            continue
        new = refreshed(made, provider, today, source)
        if new.models != made.models:
            stale.append(name)
        if not check:
            (model_table.FOLDER / f"{name}.json").write_bytes(model_table.encoded(new))
    sys.stdout.write(f"{'out of date' if check else 'changed'}: {', '.join(stale) or 'nothing'}\n")
    return int(check and bool(stale))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
