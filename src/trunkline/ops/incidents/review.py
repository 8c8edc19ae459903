"""The review of an incident, for a meeting that looks for causes and not for culprits: Markdown, and the same as data. Pure.

What is known is filled in; what only people know stands there as a question. Not for: the facts during an incident (`ops/runbooks`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from trunkline.ops.incidents.book import clock
from trunkline.ops.incidents.impact import Hit, IncidentImpact
from trunkline.ops.incidents.incident import CAUSES, Entry, Incident

SLOW_DETECTION_S = 300.0
SLOW_ACK_S = 900.0


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds from the first sign of trouble; None: it never came to that."""

    detected: float
    told: float | None = None
    acknowledged: float | None = None
    recovered: float | None = None
    closed: float | None = None


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the document says."""

    incident: Incident
    began_at: float
    """When the first call failed, as the ledger has it; else when trouble was seen."""
    made_at: float
    times: Times
    impact: IncidentImpact
    helped: list[str]
    questions: list[str]
    timeline: list[Entry]


def review(
    incident: Incident, timeline: Sequence[Entry], impact: IncidentImpact, *, first_failure: float | None, runbook: str, now: float
) -> Review:  # fmt: skip
    """`first_failure`: of the ledger, epoch seconds. `runbook`: what is wrong with it; empty if nothing is."""
    began_at = min(incident.began_at, first_failure or incident.began_at)
    times = _times(incident, timeline, began_at)
    return Review(
        incident=incident,
        began_at=began_at,
        made_at=now,
        times=times,
        impact=impact,
        helped=list(_helped(impact)),
        questions=list(_questions(incident, timeline, impact, times, runbook)),
        timeline=list(timeline),
    )


def markdown(one: Review) -> str:
    """The document."""
    incident = one.incident
    parts = [
        f"# Review of {incident.id}: {incident.integration}\n",
        "This review looks at what happened and at what would help next time. It names no culprits: people acted with what they knew.\n",
        "## Summary\n",
        _summary(one),
        "\n## Impact\n",
        *_impact(one.impact),
        "\n## Detection and recovery\n",
        *_table(("what", "when", "after the first failure"), _times_rows(one)),
        "\n## Timeline\n",
        *_table(("when", "what", "by"), [(clock(e.at), e.text, e.by) for e in one.timeline]),
        "\n## What helped\n",
        *[f"- {text}" for text in one.helped or ["Nothing that is measured."]],
        "- (What else? People who helped, earlier work that paid off.)",
        "\n## Open questions\n",
        *[f"- {text}" for text in one.questions],
        "\n## Actions\n",
        *_table(("action", "owner", "due"), [("", "", "")] * 3),
        f"\nMade {clock(one.made_at)} from the ledger and the timeline.",
    ]
    return "\n".join(parts) + "\n"


def _summary(one: Review) -> str:
    incident, impact = one.incident, one.impact
    if incident.state == "open":
        ended = "It is still open."
    elif incident.closed_by:
        ended = f"It was closed by {incident.closed_by}."
    else:
        ended = "It ended by itself."
    until = incident.closed_at or one.made_at
    share = f" ({impact.failed / impact.calls:.0%})" if impact.calls else ""
    again = f" It came back {incident.reopened} times." if incident.reopened else ""
    return (
        f"From {clock(one.began_at)} on, for {span(until - one.began_at)}, {incident.integration} was {incident.status}: "
        f"{incident.reason}. Cause: {CAUSES[incident.cause]}. {impact.failed} of {impact.calls} calls failed{share}, "
        f"{impact.otherwise} were answered by a fallback. {ended}{again}"
    )


def _impact(impact: IncidentImpact) -> Iterator[str]:
    facts = [
        ("calls", impact.calls),
        ("failed for their callers", impact.failed),
        ("answered by a fallback", impact.otherwise),
        ("went well at a further attempt", impact.repeated),
        ("refused at once by the breaker", impact.spared),
        ("people hit (where calls name a subject)", impact.people),
        ("paid for nothing, USD", f"{impact.wasted_usd:.4f}"),
        ("cost of answers by fallbacks, USD", f"{impact.otherwise_usd:.4f}"),
    ]
    yield from _table(("what", "how much"), facts)
    if impact.codes:
        yield f"\nKinds of failure: {', '.join(f'{code} {count}' for code, count in impact.codes.items())}."
    for title, hits in (("feature", impact.features), ("team", impact.teams), ("caller", impact.keys)):
        if hits:
            yield ""
            yield from _table((title, "failed", "of calls"), [_hit(one) for one in hits])


def _hit(one: Hit) -> tuple[str, int, int]:
    return one.name, one.failed, one.calls


def _times(incident: Incident, timeline: Sequence[Entry], began_at: float) -> Times:
    told = next((entry.at for entry in timeline if entry.kind == "alert"), 0.0)

    def after(at: float) -> float | None:
        return max(0.0, at - began_at) if at else None

    return Times(
        detected=max(0.0, incident.opened_at - began_at),
        told=after(told),
        acknowledged=after(incident.acknowledged_at),
        recovered=after(incident.recovered_at),
        closed=after(incident.closed_at),
    )


def _times_rows(one: Review) -> Iterator[tuple[str, str, str]]:
    yield "first failure", clock(one.began_at), ""
    named = (
        ("detected", one.times.detected),
        ("somebody was told", one.times.told),
        ("acknowledged", one.times.acknowledged),
        ("well again", one.times.recovered),
        ("closed", one.times.closed),
    )
    for name, after in named:
        yield (
            name,
            clock(one.began_at + after) if after is not None else "never",
            span(after) if after is not None else "",
        )


def _helped(impact: IncidentImpact) -> Iterator[str]:
    if impact.otherwise:
        yield f"Fallbacks answered {impact.otherwise} calls."
    if impact.repeated:
        yield f"Further attempts saved {impact.repeated} calls."
    if impact.spared:
        yield f"The breaker refused {impact.spared} calls at once instead of letting their callers wait."


def _questions(
    incident: Incident, timeline: Sequence[Entry], impact: IncidentImpact, times: Times, runbook: str
) -> Iterator[str]:
    yield {
        "vendor": "What does the vendor say was the cause, and can it happen again?",
        "limits": "Why were the limits used up: growth, a loop, a neighbour? Should they be raised, or the load be spread?",
        "access": "Why was the credential, permission, money or configuration wrong, and what would have told us before?",
    }[incident.cause]
    if impact.failed and not impact.otherwise:
        yield f"No fallback answered anything: what could stand in for {incident.integration}?"
    if times.detected > SLOW_DETECTION_S:
        yield f"It took {span(times.detected)} to be detected: would a probe or shorter `incidents` times have seen it earlier?"
    if times.told is None:
        yield "No alert reached anybody: is there a rule in `alerts` that takes it, and does `trunkline alerts test` work?"
    if times.acknowledged is None:
        yield "Nobody acknowledged it: who was to look after it?"
    elif times.told is not None and times.acknowledged - times.told > SLOW_ACK_S:
        yield f"It took {span(times.acknowledged - times.told)} from the alert until somebody looked after it: why?"
    if any(entry.kind == "gap" for entry in timeline):
        yield "There are gaps in the timeline: what happened in them?"
    if any(entry.kind == "registry" for entry in timeline):
        yield "The registry was changed meanwhile: did that help, harm, or neither?"
    if incident.reopened:
        yield f"It came back {incident.reopened} times: was it declared over too early?"
    if runbook:
        yield f"The runbook: {runbook} What would have helped to have written down?"
    yield "What went better than expected, and what was luck?"


def _table(columns: Sequence[str], rows: Any) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield "|" + "---|" * len(columns)
    for row in rows:
        yield "| " + " | ".join(_cell(cell) for cell in row) + " |"


def _cell(value: object) -> str:
    return " ".join(str(value).replace("|", "\\|").split())


def span(seconds: float) -> str:
    """A length of time for people."""
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    if whole < 7200:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    hours, minutes = whole // 3600, whole % 3600 // 60
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
