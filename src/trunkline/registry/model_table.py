"""The table of models: what each vendor's models are like, one file per vendor, every figure with its source and date.

The loader takes what the gateway needs (window, longest answer, price, other names); people and tools read the rest. What is not
known is not there. The files are JSON, one line a model: they are made and refreshed by a program, and read at every start. Not for:
which models a vendor of the catalog has, and when they end (the catalog's own files).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import msgspec

from .part import Part
from .quantity import Day
from .shape_vendor import Price

FOLDER = Path(__file__).with_name("catalog") / "models"
Modality = Literal["text", "image", "audio", "video", "pdf", "embedding"]
Feature = Literal[
    "tools",
    "parallel_tools",
    "structured_output",
    "reasoning",
    "vision",
    "audio",
    "documents",
    "caching",
    "streaming",
    "web_search",
    "computer_use",
]
MODALITIES: tuple[str, ...] = get_args(Modality)
FEATURES: tuple[str, ...] = get_args(Feature)


class Source(Part):
    """Where figures were read."""

    name: str
    date: Day
    """Of the day for which it speaks."""


class Row(Part):
    """One model. 0, empty: not known."""

    id: str
    context: int = 0
    """Tokens of input and output together."""
    max_output: int = 0
    """Most tokens of an answer."""
    price: Price | None = None
    input: list[Modality] = []
    output: list[Modality] = []
    features: list[Feature] = []
    """What it can do."""
    lacks: list[Feature] = []
    """What it cannot; of features in neither list nobody knows."""
    released: Day = ""
    deprecated: Day = ""
    """The day on which its vendor announced its end."""
    knowledge: str = ""
    """How far its training data go, e.g. `2025-08`."""
    aliases: list[str] = []
    """Other names of it at this vendor, dated ones among them."""
    sources: dict[str, str] = {}
    """Of figures (or single features) that were read elsewhere than most of their kind."""


class Table(Part):
    """A vendor's models."""

    vendor: str
    built: Day
    """When it was last held against its sources."""
    sources: dict[str, Source]
    figures: dict[str, str]
    """Figure -> the source of most of its kind."""
    models: list[Row]

    def source(self, row: Row, figure: str) -> Source | None:
        """Where a figure, or a single feature, of a model was read."""
        kind = "features" if figure in FEATURES else figure
        name = row.sources.get(figure) or row.sources.get(kind) or self.figures.get(kind, "")
        return self.sources.get(name)


_decoder = msgspec.json.Decoder(Table)


def table(vendor: str, folder: Path = FOLDER) -> Table | None:
    """The table of a vendor; None for one that has none. Raises msgspec.ValidationError for a file that is wrong."""
    path = folder / f"{vendor}.json"
    return _decoder.decode(path.read_bytes()) if path.is_file() else None


def encoded(made: Table) -> bytes:
    """A table as its file holds it: one line a model, so that changes can be read."""
    head = msgspec.json.encode(
        {"vendor": made.vendor, "built": made.built, "sources": made.sources, "figures": made.figures}
    )
    lines = b",\n".join(msgspec.json.encode(row) for row in made.models)
    return head[:-1].replace(b',"', b',\n"', 1) + b',\n"models": [\n' + lines + b"\n]}\n"
