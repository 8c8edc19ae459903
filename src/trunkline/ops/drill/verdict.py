"""What a drill proves of one call: judged from what the caller saw, what the vendor's side saw, and what the ledger says. Pure.

Not for: gathering the evidence (`cli/drilling`), nor writing it up (`report.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from trunkline.core.call import Link
from trunkline.core.errors import KINDS, CallError
from trunkline.core.flow import Fallback
from trunkline.core.service import Repeat
from trunkline.engine.fallback import compiled
from trunkline.engine.plan import repeatable
from trunkline.ops.drill.faults import Fault, Form
from trunkline.ops.drill.last import Result

SLACK_S = 0.25
"""So much later than its time a call may end."""
FINAL = frozenset(("ok", "error", "cancelled", "truncated", "outcome_unknown"))

Ending = Literal["answer", "error", "event", "cut", "hung"]
"""A good answer; one in our error shape; a stream that ended with an error event; one that broke off; none."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller saw."""

    correlation_id: str
    ending: Ending
    took_s: float
    status: int = 0
    code: str = ""
    fallback: str = ""
    """As the answer's `x-trunkline-fallback` says."""
    cache: str = ""
    """As `x-trunkline-cache` says."""
    said: str = ""
    """The begin of the body, or why there was none."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One request at the vendor's side, as its ledger has it."""

    at: str
    """Copy of the integration."""
    begun: float
    """Epoch seconds."""
    status: int
    acted: bool
    key: str
    """Idempotency key."""


class Check(msgspec.Struct, frozen=True):
    """One thing that was to be proved."""

    name: str
    ok: bool
    said: str


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one call."""

    fault: Fault
    form: Form
    struck: str
    """The copy that the fault struck."""
    deadline_s: float
    attempts_max: int
    repeat: Repeat
    chain: Sequence[Fallback]
    undone: frozenset[str] = frozenset()
    """Failures of which this vendor's rules say that nothing was done."""
    seen: Seen
    asked: Sequence[Asked]
    rows: Sequence[Mapping[str, Any]]
    """What the ledger has under the correlation id."""
    later: Check | None = None
    """Of a deferred call: whether it ran."""


class Finding(msgspec.Struct, frozen=True):
    """Something to look into although the drill may have passed."""

    code: str
    item: str
    message: str


class Verdict(msgspec.Struct, frozen=True):
    """What came of it."""

    result: Result
    checks: list[Check]
    findings: list[Finding]


def judge(it: Evidence, item: str) -> Verdict:
    """The verdict on one call. `item` is what findings name."""
    served, findings = _served(it, item)
    if it.seen.ending == "answer" and _passed(it):
        text = f"{item}: an error object in a 200 is taken for an answer; `ok_body` or a rule in `errors` would tell it"
        findings = [*findings, Finding("error-passes", item, text)]
    checks = [_in_time(it), _told(it, served.ok and bool(served.said)), *([served] if served.said else [])]
    checks += [_attempts(it), _not_twice(it), _recorded(it), *([it.later] if it.later is not None else [])]
    result: Result = "pass" if all(check.ok for check in checks) else "fail"
    return Verdict(result, checks, findings)


def _passed(it: Evidence) -> bool:
    """Whether the vendor's answer went through as it was although nothing in it is known to be a failure: a finding, no defect."""
    return it.fault.doubtful and not it.seen.fallback


def _in_time(it: Evidence) -> Check:
    limit, took = it.deadline_s + SLACK_S, it.seen.took_s
    said = f"{took:.2f} s of {it.deadline_s:.2f} s + {SLACK_S * 1000:.0f} ms"
    return Check("in time", it.seen.ending != "hung" and took <= limit, said)


def _told(it: Evidence, stood_in: bool) -> Check:
    """What the caller got: an answer where there may be one, else a clear failure."""
    seen, fault = it.seen, it.fault
    if seen.ending == "answer":
        fine = stood_in or _passed(it)
        return Check(
            "told clearly", fine, f"{seen.status}" + ("" if fine else ": a failure passed as an answer")
        )
    if seen.ending in ("event", "cut"):
        fine = fault.late or it.form == "stream"
        word = "an error event ended the stream" if seen.ending == "event" else "the answer broke off visibly"
        return Check("told clearly", fine and (seen.ending == "event" or it.form != "stream"), word)
    if seen.ending == "hung":
        return Check("told clearly", False, seen.said)
    allowed = fault.codes | ({"outcome_unknown"} if it.form == "act" else set())
    fine = seen.code in KINDS and seen.code != "internal" and (not fault.codes or seen.code in allowed)
    return Check("told clearly", fine, f"{seen.status} {seen.code}")


def _served(it: Evidence, item: str) -> tuple[Check, list[Finding]]:
    """Whether a declared fallback stood in. An empty `said`: none could, or none was needed."""
    nothing = Check("fallback", True, "")
    failed = _failure(it)
    begun = it.fault.late and it.seen.ending in ("event", "cut", "answer") and not it.seen.fallback
    if failed is None or begun or not repeatable(failed, it.repeat, has_key=False):
        return nothing, []
    links = [link for link in compiled(it.chain) if link.holds(failed) and _applies(link, it, failed)]
    if not links:
        return nothing, [Finding("no-fallback", item, f"`{failed.code}`")]
    kinds = ", ".join(link.name for link in links)
    used = it.seen.fallback.partition("=")[0] or ("stale" if it.seen.cache.startswith("stale") else "")
    if used in {link.kind for link in links} and it.seen.ending == "answer":
        shown = it.seen.fallback or "stale"
        return Check("fallback", True, f"{shown} answered with {it.seen.status}"), []
    return Check("fallback", False, f"declared for `{failed.code}`: {kinds}; none of them answered"), []


def _applies(link: Link, it: Evidence, failed: CallError) -> bool:
    """Whether a link can be meant for such a call at all: acts have no older answer, and not all failures pass with time."""
    if link.kind == "stale":
        return it.form != "act"
    return link.kind != "defer" or (failed.retryable and failed.kind.who != "caller")


def _failure(it: Evidence) -> CallError | None:
    """How the last attempt at the struck copy failed, as the ledger has it."""
    tries = [one for row in it.rows for one in row.get("attempts", ()) if _at(one["target"], it.struck)]
    last = next((one for one in reversed(tries) if one.get("code") in KINDS), None)
    if last is None:
        return None
    return CallError(str(last["code"]), "", source=it.struck, never_acted=not last.get("sent", True))


def _at(target: str, name: str) -> bool:
    return target == name or target.startswith(f"{name}/")


def _attempts(it: Evidence) -> Check:
    made = max((len(row.get("attempts", ())) for row in it.rows), default=0)
    return Check("attempts", made <= it.attempts_max, f"{made} of at most {it.attempts_max}")


def _not_twice(it: Evidence) -> Check:
    if it.form != "act":
        return Check("never twice", True, "may be repeated")
    acted = sum(one.acted for one in it.asked)
    keys = {one.key for one in it.asked}
    said = f"sent {len(it.asked)} x, carried out {acted} x"
    if it.repeat == "with_key" and len(keys) == 1 and keys != {""}:
        return Check("never twice", True, f"{said}, with one idempotency key")
    tries = [one for row in it.rows for one in row.get("attempts", ())]
    return Check("never twice", acted <= 1 and not any(_may_have_acted(one, it) for one in tries[:-1]), said)


def _may_have_acted(tried: Mapping[str, Any], it: Evidence) -> bool:
    """Whether the vendor may have carried out an attempt, as far as its answer and its rules say."""
    code = str(tried.get("code"))
    told = KINDS[code].acted and code not in it.undone if code in KINDS else True
    return bool(tried.get("sent", True)) and told


def _recorded(it: Evidence) -> Check:
    """Once in the ledger, with an end that fits what the caller saw."""
    if len(it.rows) != 1:
        return Check("recorded", False, f"{len(it.rows)} rows in the ledger")
    state = str(it.rows[0].get("state"))
    fits = {
        "answer": {"ok"},
        "error": {"error", "outcome_unknown"},
        "event": {"truncated"},
        "cut": {"truncated", "error", "outcome_unknown"},
        "hung": FINAL,
    }[it.seen.ending]
    return Check("recorded", state in fits, f"once, as {state}")
