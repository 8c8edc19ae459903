"""The data map as Markdown and as CSV. Pure.

What nobody has declared is said as that, never left out. Not for: what stands in it (`map.py`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from trunkline.core.text import no_formula
from trunkline.ops.data.map import DataMap, Mapped, Observed

NOT_DECLARED = "not declared"
NONE = "none"
COLUMNS = (
    "integration", "title", "owner", "purpose", "declared", "received", "undeclared", "forbidden", "unsure", "given_by_vendor",
    "blocked", "redacted", "region", "retention", "trains", "dpa", "source", "features", "teams", "calls", "not_declared",
)  # fmt: skip


def markdown(found: DataMap) -> str:
    """A table of who receives what, then each integration with what was seen where."""
    lines = [
        "# Data map",
        "",
        f"{found.environment}, {found.at[:10]}, registry {found.config_version}. Calls, features and teams of the last {found.days} days.",
        "",
        *_table(
            (
                "receives",
                "owner",
                "purpose",
                "may receive",
                "did receive",
                "region",
                "keeps it",
                "trains",
                "agreement",
                "used by",
            ),
            [_line(one) for one in found.integrations],
        ),
    ]
    for one in found.integrations:
        lines += ["", *_section(one)]
    return "\n".join(lines) + "\n"


def _line(one: Mapped) -> tuple[str, ...]:
    return (
        f"**{one.integration}**" + ("" if one.in_registry else " (not in the registry)"),
        said(one.owner),
        said(one.purpose),
        _declared(one),
        _received(one),
        said(one.region),
        said(one.retention),
        _trains(one),
        said(one.dpa),
        ", ".join(one.features)
        or (
            NONE
            if not one.calls
            else f"{one.calls} {'call' if one.calls == 1 else 'calls'} without a feature"
        ),
    )


def _section(one: Mapped) -> list[str]:
    lines = [
        f"## {one.integration}"
        + (f": {_cell(one.title)}" if one.title and one.title != one.integration else ""),
        "",
    ]
    played = f", and {one.simulated_calls} that the simulator played" if one.simulated_calls else ""
    lines.append(f"- Calls: {one.calls}{played}; teams: {', '.join(one.teams) or NONE}.")
    for what, names in (("Forbidden", one.forbidden), ("Blocked", one.blocked), ("Redacted", one.redacted)):
        if names:
            lines.append(f"- {what}: {', '.join(names)}.")
    if one.unseen and one.sampled:
        lines.append(f"- Declared and not seen so far: {', '.join(one.unseen)}.")
    if not one.sampled:
        lines.append("- Its calls are not sampled, so nothing can be observed.")
    if one.source:
        lines.append(
            f"- What is said of the vendor: {'catalog, ' if one.from_catalog else ''}{_cell(one.source)}."
        )
    if one.not_declared:
        lines.append(f"- **Not declared: {', '.join(one.not_declared)}.**")
    if one.observed:
        head = ("seen", "in", "state", "samples", "last", "where")
        lines += ["", *_table(head, [_seen(row) for row in one.observed])]
    return lines


def _seen(row: Observed) -> tuple[str, ...]:
    state = (
        f"**{row.state}**"
        if row.state in ("undeclared", "forbidden") and row.side == "request"
        else row.state
    )
    places = ", ".join(f"`{place}`" for place in row.places)
    return row.category, f"{row.side}s", state, str(row.samples), row.last_at[:10], places


def table_csv(found: DataMap) -> str:
    """One line for each integration; lists are parted by spaces."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in found.integrations:
        sure = [row for row in one.observed if row.state != "unsure"]
        received = [row for row in sure if row.side == "request"]
        unsure = [row for row in one.observed if row.side == "request" and row.state == "unsure"]
        writer.writerow(
            no_formula(cell)
            for cell in (
                one.integration, one.title, said(one.owner), said(one.purpose), _declared(one, " "),
                _names(received), _names(received, "undeclared"), _names(received, "forbidden"), _names(unsure),
                _names(row for row in sure if row.side == "answer"), " ".join(one.blocked), " ".join(one.redacted),
                said(one.region), said(one.retention), _trains(one), said(one.dpa), one.source, " ".join(one.features),
                " ".join(one.teams), str(one.calls), " ".join(one.not_declared),
            )
        )  # fmt: skip
    return out.getvalue()


def said(text: str) -> str:
    """What was declared, or that nothing was."""
    return text or NOT_DECLARED


def _declared(one: Mapped, between: str = ", ") -> str:
    if one.declared is None:
        return NOT_DECLARED
    return between.join(one.declared) or NONE


def _received(one: Mapped) -> str:
    """Categories seen in requests, with what is wrong with them."""
    if not one.sampled:
        return "not looked at"
    told = [
        f"**{row.category} ({row.state})**" if row.state in ("undeclared", "forbidden") else row.category
        for row in one.observed
        if row.side == "request" and row.state != "unsure"
    ]
    return ", ".join(told) or ("nothing seen" if one.calls or one.simulated_calls else "no calls")


def _trains(one: Mapped) -> str:
    return {None: NOT_DECLARED, True: "yes", False: "no"}[one.trains]


def _names(rows: Iterable[Observed], state: str = "") -> str:
    return " ".join(row.category for row in rows if not state or row.state == state)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(map(_cell, row)) + " |" for row in rows]


def _cell(text: str) -> str:
    """What people wrote must not end its cell, nor become markup of a page."""
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
