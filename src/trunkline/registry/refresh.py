"""`python -m trunkline.registry.refresh [--check] [VENDOR ...]`: brings the catalog's prices to those of the installed genai-prices.

For maintainers: `uv pip install genai-prices`, run this, read the diff, run the tests. Only prices of models that are listed and that
the package knows are written; the others stay. Prices that hold at certain hours only are left out: the figure of the other hours is
taken. Not for: adding models or vendors, which a person does, nor for anything at run time.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

from . import catalog

PROVIDERS = {
    "azure-openai": "azure",
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
TIERS = {"service_tier": ("flex", "priority", "fast"), "processing": ("batch",), "speed": ("fast",)}
_PRICE = re.compile(r"price: ")

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


def written(value: Any) -> str:
    """A value as the catalog writes it, on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {written(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(written(inner) for inner in value) + "]"
    if isinstance(value, Decimal):
        return _number(value)
    return str(value)


def _number(value: Decimal) -> str:
    text = repr(float(value))
    return format(Decimal(text).normalize(), "f") if "e" in text else text.removesuffix(".0")


def rewritten(text: str, prices: Mapping[str, dict[str, Any]]) -> str:
    """A file of the catalog with these prices by model; each model stands on a line of its own."""
    return "".join(_line(line, prices) for line in text.splitlines(keepends=True))


def _line(line: str, prices: Mapping[str, dict[str, Any]]) -> str:
    named = re.match(r"  - \{id: ([^,}]+)", line)
    told = prices.get(named[1].strip('"')) if named else None
    if not told:
        return line
    at = _PRICE.search(line)
    if at is None:
        head, _, rest = line.rpartition("}")
        return f"{head}, price: {written(told)}}}{rest}"
    begin = at.end()
    depth = 0
    for end in range(begin, len(line)):
        depth += {"{": 1, "}": -1}.get(line[end], 0)
        if depth == 0:
            return line[:begin] + written(told) + line[end + 1 :]
    return line


def refreshed(name: str, day: date, providers: Mapping[str, Any], source: str) -> tuple[Path, str]:
    """The file of a vendor, and how it should read."""
    path = catalog.FOLDER / f"{name}.yaml"
    text = path.read_text("utf-8")
    entry = catalog.entry(name)
    provider = providers.get(PROVIDERS.get(name, name))
    if provider is None or entry.prices is None or not entry.prices.source.startswith("genai-prices"):
        return path, text
    found = {}
    for model in entry.models:
        theirs = provider.find_model(model.id.lower())
        told = price_of(theirs, day) if theirs is not None else {}
        if told:
            found[model.id] = told
    new = rewritten(text, found)
    head = f'prices: {{source: "{source}", date: "{day}"}}'
    return path, re.sub(r'^prices: \{source: "genai-prices[^}]*\}', head, new, flags=re.MULTILINE)


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
    stale = []
    for name in names:
        path, new = refreshed(name, datetime.now(UTC).date(), providers, source)
        if new != path.read_text("utf-8"):
            stale.append(name)
            if not check:
                path.write_text(new, "utf-8")
    sys.stdout.write(f"{'out of date' if check else 'written'}: {', '.join(stale) or 'nothing'}\n")
    return int(check and bool(stale))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
