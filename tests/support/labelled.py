"""The labelled corpus of texts (tests/fixtures/data), and how well the detectors do on it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from trunkline.core.data.text import find

FOLDER = Path(__file__).parent.parent / "fixtures" / "data"
BODIES = FOLDER / "bodies.yaml"
_MARK = re.compile(r"«([a-z_.]+)\|([^»]*)»")

LEAST = {
    "pii.email": (1.0, 1.0), "pii.phone": (1.0, 1.0), "pii.ip": (1.0, 1.0), "pii.birth_date": (1.0, 1.0), "pii.address": (1.0, 1.0),
    "pii.national_id": (0.95, 1.0), "pii.name": (0.79, 1.0), "payment.card": (1.0, 1.0), "payment.iban": (1.0, 1.0),
}  # fmt: skip
"""Precision and recall by place, as docs/explanation/data.md publishes them."""


class Span(NamedTuple):
    """A marked place."""

    category: str
    start: int
    end: int


class Figures(NamedTuple):
    """Of one category: places that were found rightly, wrongly, and not at all."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        return self.right / max(1, self.right + self.wrong)

    @property
    def recall(self) -> float:
        return self.right / max(1, self.right + self.missed)


def texts() -> list[tuple[str, list[Span]]]:
    """Each text without its marks, and what was marked."""
    lines = (FOLDER / "texts.txt").read_text("utf-8").split("\n")
    whole = "\n".join(line for line in lines if not line.startswith("# "))
    return [_parted(block.strip("\n")) for block in re.split(r"^---\n", whole, flags=re.MULTILINE)]


def _parted(block: str) -> tuple[str, list[Span]]:
    text, spans, at = "", [], 0
    for mark in _MARK.finditer(block):
        text += block[at : mark.start()]
        spans.append(Span(mark[1], len(text), len(text) + len(mark[2])))
        text += mark[2]
        at = mark.end()
    return text + block[at:], spans


def figures() -> dict[str, Figures]:
    """By category, over all texts. A place counts as found if a hit of its category overlaps it."""
    counts: dict[str, list[int]] = {}
    for text, spans in texts():
        hits = find(text)
        for span in spans:
            met = any(
                hit.category == span.category and hit.start < span.end and span.start < hit.end
                for hit in hits
            )
            counts.setdefault(span.category, [0, 0, 0])[0 if met else 2] += 1
        for hit in hits:
            if not any(
                hit.category == span.category and hit.start < span.end and span.start < hit.end
                for span in spans
            ):
                counts.setdefault(hit.category, [0, 0, 0])[1] += 1
    return {category: Figures(*three) for category, three in counts.items()}
