"""The review as Markdown, to be read, discussed and kept.

Not for: what stands in it (`judge.py`).
"""

from __future__ import annotations

from collections.abc import Iterator

from trunkline.ops.baseline.facts import Access, Check, Review

WORDS = {"ok": "in order", "finding": "to do", "unknown": "not known"}


def markdown(review: Review) -> str:
    """The whole page."""
    return "\n".join(_lines(review)) + "\n"


def _lines(review: Review) -> Iterator[str]:
    yield f"# Review of {review.at[:10]}, {review.environment}\n"
    size = (
        f"team of {review.team_size}"
        if review.team_size
        else "team size not said (`team_size` in the registry)"
    )
    due = f"Due {review.due}{' (overdue)' if review.overdue else ''}."
    yield f"Registry {review.registry}. {size[0].upper()}{size[1:]}: {review.every}. {due}"
    if review.last is None:
        yield "Nothing was signed off before."
    else:
        yield f"Last signed off on {review.last.at[:10]} by {_cell(review.last.by)} with {review.last.findings} findings open."
    yield f"Findings now: {review.open}.\n"
    yield "| question | verdict | findings |\n|---|---|---|"
    for check in review.checks:
        yield f"| {check.question} | {WORDS[check.verdict]} | {len(check.findings)} |"
    for check in review.checks:
        yield from _check(check)
    yield from _access(review.access)
    yield "\n## Sign-off\n"
    yield "`trunkline audit sign-off --by NAME` writes this review's digest and its open findings into the audit chain."


def _check(check: Check) -> Iterator[str]:
    yield f"\n## {check.question}\n"
    yield f"**{WORDS[check.verdict][0].upper()}{WORDS[check.verdict][1:]}.** {'; '.join(check.evidence)}."
    if check.findings:
        yield ""
        yield from (f"- [ ] {_cell(finding)}" for finding in check.findings)
    if check.cure and check.verdict != "ok":
        yield f"\nWhat helps: {check.cure}"


def _access(access: list[Access]) -> Iterator[str]:
    yield "\n## Access\n"
    if not access:
        yield "Nobody may come in or call yet."
        return
    yield "| what | name | team | role | state | made by | last used | ends | decision |\n|---|---|---|---|---|---|---|---|---|"
    for one in access:
        decision = f"{one.decision} ({one.decided_by})" if one.decision else "keep or revoke?"
        cells = (
            f"{one.kind} `{one.id}`", one.name, one.team or "all", one.role, one.state, one.created_by,
            (one.last_used_at or "never")[:10], (one.expires_at or "never")[:10], decision,
        )  # fmt: skip
        yield "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(text: str) -> str:
    """What a table can hold, whatever a name may be."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
