"""The report of a drill, for people (Markdown) and programs (the same as plain data). Pure.

Not for: judging (`verdict.py`), nor where reports lie (`last.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from trunkline.ops.drill.last import Result
from trunkline.ops.drill.verdict import Check, Finding


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """One fault that was played, with its evidence."""

    integration: str
    entry: str
    form: str
    fault: str
    title: str
    injected: str
    vendor: list[str]
    """What the vendor's side saw, request by request."""
    attempts: list[str]
    """As the ledger has them."""
    caller: str
    correlation_id: str
    took_s: float
    result: Result
    checks: list[Check]
    findings: list[Finding]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A whole drill."""

    at: str
    """RFC 3339, UTC."""
    version: str
    environment: str
    registry: str
    """Version of the registry that was drilled."""
    took_s: float
    result: Result
    counts: dict[str, int]
    """By result."""
    integrations: list[str]
    findings: list[Finding]
    played: list[Played]
    notes: list[str] = []
    """What a reader must know to judge, e.g. how much faster time ran."""


def counted(played: Sequence[Played]) -> dict[str, int]:
    """How many had which result."""
    names: tuple[Result, ...] = ("pass", "fail", "not run")
    return {name: sum(one.result == name for one in played) for name in names}


def result_of(played: Sequence[Played]) -> Result:
    """Of the whole: failed if anything has; not run if nothing was proved."""
    counts = counted(played)
    return "fail" if counts["fail"] else "pass" if counts["pass"] else "not run"


def gathered(played: Sequence[Played]) -> list[Finding]:
    """Findings of all, each once; those of one sort about one item are made into one."""
    groups: dict[tuple[str, str], dict[str, None]] = {}
    for one in played:
        for finding in one.findings:
            groups.setdefault((finding.code, finding.item), {})[finding.message] = None
    return [Finding(code, item, _joined(code, item, list(said))) for (code, item), said in groups.items()]


def _joined(code: str, item: str, said: Sequence[str]) -> str:
    if code != "no-fallback":
        return "; ".join(said)
    return f"{item}: no fallback is declared for {', '.join(said)}: callers get the failure"


def markdown(report: Report) -> str:
    """The page."""
    return "\n".join(_lines(report)) + "\n"


def _lines(it: Report) -> Iterator[str]:
    yield f"# Drill of {it.at}"
    yield ""
    counts = ", ".join(f"{n} {name}" for name, n in it.counts.items() if n)
    yield f"**{it.result.upper()}**: {counts or 'nothing played'}. Environment `{it.environment}`, registry `{it.registry}`, "
    yield f"Trunkline {it.version}, {it.took_s:.0f} s."
    for note in it.notes:
        yield ""
        yield note
    yield ""
    yield "## Findings"
    yield ""
    yield from ([f"- `{one.code}` {one.message}" for one in it.findings] or ["None."])
    yield ""
    yield "## What was played"
    for entry in dict.fromkeys(one.entry for one in it.played):
        yield ""
        yield f"### {entry}"
        yield ""
        yield "| call | fault | the caller saw | s | verdict |"
        yield "|---|---|---|---:|---|"
        for one in it.played:
            if one.entry == entry:
                yield f"| {one.form} | {one.title} | {_cell(one.caller)} | {one.took_s:.2f} | {one.result} |"
    yield ""
    yield "## Evidence"
    for one in it.played:
        yield ""
        yield from _evidence(one)


def _evidence(one: Played) -> Iterator[str]:
    yield f"### {one.entry}, {one.form}: {one.title}"
    yield ""
    yield f"- Injected: {one.injected}"
    yield f"- The vendor's side saw: {'; '.join(one.vendor) or 'no request'}"
    if one.attempts:
        yield f"- Attempts in the ledger: {'; '.join(one.attempts)}"
    yield f"- The caller saw: {one.caller}, after {one.took_s:.2f} s, correlation id `{one.correlation_id}`"
    for check in one.checks:
        yield f"- {'ok' if check.ok else '**FAILED**'}: {check.name}: {check.said}"
    yield f"- Verdict: **{one.result}**"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
