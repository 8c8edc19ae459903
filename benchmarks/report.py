"""Rows of the result, their verdicts, and the table as text, Markdown and JSON. Pure.

Not for: measuring.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from benchmarks.bench import NotRun

Verdict = Literal["pass", "miss", "too noisy", "not run", "told"]
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"


@dataclass(frozen=True)
class Target:
    """What is to be reached. `most` is an upper bound, else a lower one; `strict` excludes the bound itself."""

    value: float
    unit: str
    most: bool = True
    strict: bool = False

    def met(self, measured: float) -> bool:
        if self.strict and measured == self.value:
            return False
        return measured <= self.value if self.most else measured >= self.value

    def __str__(self) -> str:
        word = ("below" if self.strict else "at most") if self.most else "at least"
        return f"{word} {number(self.value)} {self.unit}"


@dataclass(frozen=True)
class Row:
    """One line of the table. Without `target` the value is only told."""

    name: str
    what: str
    measured: float | None
    unit: str
    target: Target | None = None
    note: str = ""
    samples: list[float] = field(default_factory=list)
    noisy: bool = False
    why_not: str = ""
    """Why it was not run; empty if it was."""

    @property
    def verdict(self) -> Verdict:
        if self.why_not or self.measured is None:
            return "not run"
        if self.target is None:
            return "told"
        if self.noisy:
            return "too noisy"
        return "pass" if self.target.met(self.measured) else "miss"


def not_run(name: str, what: str, why: str, target: Target | None = None) -> Row:
    """A row in place of a measurement that could not be made."""
    return Row(name, what, None, target.unit if target else "", target, why_not=why)


BROKE = "broke: "


def because(problem: Exception) -> str:
    """Why a row has no value: what is missing, or that the measurement broke."""
    words = " ".join(str(problem).split())[:300]
    return words if isinstance(problem, NotRun) else BROKE + words


def number(value: float) -> str:
    """Three digits, and none after the point above 100."""
    if value == int(value) and abs(value) < 100_000:
        return str(int(value))
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def in_order(rows: Sequence[Row]) -> list[Row]:
    """Ratios first, then what has a target, then what is only told; each in the order of measuring."""
    return sorted(rows, key=lambda row: 0 if row.unit == "x" else 1 if row.target else 2)


HEAD = ("measure", "measured", "target", "verdict", "note")


def cells(row: Row) -> tuple[str, str, str, str, str]:
    measured = "—" if row.measured is None else f"{number(row.measured)} {row.unit}"
    verdict = "" if row.verdict == "told" else row.verdict
    return (row.what, measured, str(row.target or ""), verdict, row.why_not or row.note)


def text(rows: Sequence[Row]) -> str:
    """The table for a terminal; the notes below each other at the right."""
    table = [HEAD, *(cells(row) for row in in_order(rows))]
    widths = [max(len(line[column]) for line in table) for column in range(4)]
    lines = [
        "  ".join(
            [
                line[0].ljust(widths[0]),
                line[1].rjust(widths[1]),
                *(line[c].ljust(widths[c]) for c in (2, 3)),
                line[4],
            ]
        ).rstrip()
        for line in table
    ]
    return "\n".join([lines[0], "-" * sum((*widths, 2 * 4, 4)), *lines[1:]])


def markdown(rows: Sequence[Row], about: Sequence[str]) -> str:
    """The table for docs/performance.md, below what it was measured on."""
    lines = [*(f"- {line}" for line in about), "", f"| {' | '.join(HEAD)} |", "|---|---|---|---|---|"]
    for row in in_order(rows):
        measured, verdict = cells(row), row.verdict
        shown = [cell.replace("|", "\\|") for cell in measured]
        shown[3] = f"**{shown[3]}**" if verdict in ("miss", "too noisy") else shown[3]
        lines.append(f"| {' | '.join(shown)} |")
    return "\n".join(lines)


def placed(page: str, table: str) -> str:
    """The page with the table between its two marks. Raises ValueError without them."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the page has no {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def as_json(rows: Sequence[Row], about: Sequence[str], off: Sequence[str]) -> dict[str, Any]:
    """Everything, with each sample."""
    return {
        "about": list(about),
        "off": list(off),
        "rows": [
            {
                **asdict(row),
                "verdict": row.verdict,
                "target": str(row.target or ""),
            }
            for row in in_order(rows)
        ],
    }
