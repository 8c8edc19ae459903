"""Which kind of failure is this answer? Vendor rules first, then what is known of all vendors, then the
status; pure.

The order is always: codes and fields of the body, then the status, then the text of the extracted message;
never the text of the whole body, where an echoed prompt may contain any word. Not for: what the caller sees
(`shape.py`), nor what is done next (`plan.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trunkline.core.codec import DecodeError, from_json
from trunkline.core.errors import KINDS, CallError
from trunkline.engine import generic, retry_at
from trunkline.engine.extract import PARSED_BYTES, read, request_id
from trunkline.engine.facts import Facts
from trunkline.engine.json_error import from_tree
from trunkline.engine.limits_told import limits_told
from trunkline.engine.pointer import found, scalar
from trunkline.engine.rules import OK, Rule, Rules
from trunkline.engine.scrub import scrub
from trunkline.engine.verdict import judge, looks_right

__all__ = ["Rules", "classify", "classify_event", "kind_of_status", "looks_ok"]

Headers = Sequence[tuple[bytes, bytes]]


def looks_ok(
    rules: Rules, status: int, content_type: bytes, body: bytes, *, json_promised: bool = False
) -> bool:
    """Whether a 2xx answer may be passed on without `classify`. Reads just the few top-level members that
    failures use.
    """
    if not 200 <= status < 300:
        return status < 400
    if not json_promised and content_type != b"application/json" and b"json" not in content_type.lower():
        return not _disguised_xml(content_type, body)
    if not rules.wanted:
        return looks_right(body, json_promised)
    try:
        return (
            len(body) <= PARSED_BYTES and rules.believes(from_json(body)) and looks_right(body, json_promised)
        )
    except (DecodeError, RecursionError, UnicodeError):
        return False


def _disguised_xml(content_type: bytes, body: bytes) -> bool:
    """S3 answers 200 and then says `<Error>`."""
    return b"xml" in content_type.lower() and (b"<Error>" in body[:400] or b":Fault>" in body[:2000])


def classify(
    rules: Rules,
    status: int,
    headers: Headers,
    body: bytes,
    *,
    now: float,
    source: str,
    method: str = "",
    json_promised: bool = False,
) -> CallError | None:
    """The failure that an answer is, or None for a success. `now` is epoch seconds, `body` is decoded. Never
    raises.
    """
    fields = _fields(headers)
    good = 200 <= status < 400
    if good and (
        status >= 300
        or looks_ok(rules, status, fields.get(b"content-type", b""), body, json_promised=json_promised)
    ):
        return None
    facts = Facts() if good and not body else read(rules.shape, fields, body)
    if good:
        verdict = _judge_ok(rules, status, fields, facts, body, method, json_promised)
        if not verdict:
            return None
    else:
        verdict = "" if 400 <= status < 600 else "malformed_response"
    error = _decide(rules, status, fields, facts, now=now, source=source, event="", hint=verdict)
    if error is not None:
        error.status, error.fields, error.body = status, list(headers), body
    return error


def classify_event(rules: Rules, event: str, data: bytes, *, now: float, source: str) -> CallError | None:
    """The failure that an event of a stream is, or None for an ordinary one. The stream itself began with
    200. Never raises.
    """
    try:
        tree = from_json(data)
    except (DecodeError, RecursionError, UnicodeError):
        if event != "error" and not event.lower().endswith("exception"):
            return None
        tree = {"message": data[:2000].decode("utf-8", "replace")}
    tree = _event_tree(tree if isinstance(tree, dict) else {"data": tree})
    named = event if event.lower().endswith(("exception", "error")) and event.lower() != "error" else ""
    marked = (
        event == "error"
        or bool(named)
        or tree.get("type") == "error"
        or tree.get("event_type") == "error"
        or bool(tree.get("error"))
    )
    own = any(
        r.event == event and r.holds(Facts("", tree, _text_of(tree)), (0, 200), {}, event)
        for r in rules.rules
        if r.event
    )
    if not marked and not own:
        return None
    facts = from_tree(tree)
    if named:
        facts = facts._replace(codes=(named, *facts.codes), shape=facts.shape or "event")
    return _decide(rules, 0, {}, facts, now=now, source=source, event=event, hint="")


def _text_of(tree: dict[str, Any]) -> str:
    return from_tree(tree).message


def _event_tree(tree: dict[str, Any]) -> dict[str, Any]:
    """Brings the error of an event to `/error`, where it stands in whole answers."""
    response = tree.get("response")
    if isinstance(response, dict) and isinstance(response.get("error"), dict):
        return {**tree, "error": response["error"]}
    delta = tree.get("delta")
    if isinstance(delta, dict) and isinstance(delta.get("error"), str):  # Cohere, in the last event
        return {**tree, "error": {"message": delta["error"]}}
    if tree.get("type") == "error" and "error" not in tree and ("message" in tree or "code" in tree):
        return {**tree, "error": {k: tree.get(k) for k in ("code", "message", "param")}}
    return tree


def _fields(headers: Headers) -> dict[bytes, bytes]:
    fields: dict[bytes, bytes] = {}
    for name, value in headers:
        fields.setdefault(name.lower(), value)
    return fields


def _judge_ok(
    rules: Rules,
    status: int,
    fields: Mapping[bytes, bytes],
    facts: Facts,
    body: bytes,
    method: str,
    json_promised: bool,
) -> str:
    """What a 2xx answer really is: empty for a success, else a kind, or `?` where the codes inside decide."""
    kind = fields.get(b"content-type", b"")
    if facts.shape == "xml" and _disguised_xml(kind, body):
        return "?"
    if kind and not json_promised and b"json" not in kind.lower():
        return ""
    if facts.tree is None:
        return "malformed_response" if json_promised and status != 204 else ""
    if any(r.holds(facts, (status,), fields, "") for r in rules.inside_ok):
        return "?"
    if rules.expects:
        return "" if rules.meets(facts.tree) else "?"
    return judge(facts.tree, method, json_promised)


def _decide(
    rules: Rules,
    status: int,
    fields: Mapping[bytes, bytes],
    facts: Facts,
    *,
    now: float,
    source: str,
    event: str,
    hint: str,
) -> CallError | None:
    inside = status < 400
    statuses = (facts.status or 0, status) if inside else (facts.status or status, status)
    rule = next((r for r in rules.rules if r.holds(facts, statuses, fields, event)), None)
    if rule is not None and rule.kind == OK:
        return None
    if rule is not None:
        kind, confidence = rule.kind, "rule"
    else:
        kind, confidence = _in_general(facts, status, fields, hint)
    never_acted = rule.never_acted if rule is not None else confidence == "code" and kind in generic.PROVEN
    again, later = (rule.again, rule.later) if rule is not None else (None, None)
    if again is None:
        again = _told_again(fields, kind)
    can_return = later if later is not None else KINDS[kind].later
    at = (
        _instant(rule, kind, fields, facts, now)
        if can_return or (rule is not None and rule.retry_at)
        else None
    )
    message = scrub(facts.message) or _unspoken(source, status, facts)
    return CallError(
        kind,
        message[:1000],
        source=source,
        retry_at=at,
        scope=(rule.scope if rule is not None else "") or generic.SCOPES.get(kind, "request"),
        vendor_status=status or 200,
        vendor_code=scrub(facts.codes[0])[:120] if facts.codes else "",
        vendor_request_id=facts.request_id or request_id(fields, rules.ids),
        param=scrub(facts.param),
        confidence=confidence,
        never_acted=never_acted,
        again=again,
        later=later,
    )


def _in_general(facts: Facts, status: int, fields: Mapping[bytes, bytes], hint: str) -> tuple[str, str]:
    """Kind and confidence where no rule of the vendor holds."""
    if hint and hint != "?":
        return hint, "low" if hint == "malformed_response" else "code"
    if fields.get(b"cf-mitigated") == b"challenge":
        return "permission_denied", "code"
    if any("PerDay" in scalar(v) for v in found(facts.tree, "/error/details/*/violations/*/quotaId")):
        return "quota_exhausted", "code"
    outer = status if status >= 400 else 0
    effective = facts.status or outer
    for code in facts.codes:
        kind = generic.CODES.get(generic.plain(code))
        if kind is not None and not (kind == "server_error" and _narrowed(facts, effective)):
            return kind, "code"
    text = _narrowed(facts, effective)
    if text:
        return text, "text"
    for code in facts.codes:
        kind = generic.VAGUE.get(generic.plain(code))
        if kind is not None and _fits(kind, outer):
            return kind, "code"
    if effective:
        return generic.by_status(
            effective
        ), "status" if facts.shape and facts.shape != "html" and facts.message else "low"
    # A refusal inside a good status is business; a stream that breaks off is the vendor's failure.
    return ("declined" if status else "server_error"), "low"


def _fits(kind: str, status: int) -> bool:
    """Whether a vague code may overrule a status (0: there is none)."""
    if kind == "server_error":
        return status == 0 or generic.by_status(status) == kind
    return status in (0, 400) or status >= 500 or kind == generic.by_status(status)


def _narrowed(facts: Facts, status: int) -> str:
    if not facts.message or any(generic.NOT_CONTEXT.search(t) for t in (*facts.codes, facts.message)):
        return ""
    return next(
        (
            kind
            for statuses, pattern, kind in generic.TEXTS
            if status in statuses and pattern.search(facts.message)
        ),
        "",
    )


def _told_again(fields: Mapping[bytes, bytes], kind: str) -> bool | None:
    """What the vendor itself says of trying again (`Stripe-Should-Retry`, `x-should-retry`)."""
    told = fields.get(b"stripe-should-retry") or fields.get(b"x-should-retry")
    if told is None or KINDS[kind].who == "operator":
        return None
    return {b"true": True, b"false": False}.get(told.lower())


def _instant(
    rule: Rule | None, kind: str, fields: Mapping[bytes, bytes], facts: Facts, now: float
) -> float | None:
    if rule is not None and rule.retry_at:
        return (
            None
            if rule.retry_at == "none"
            else retry_at.by_spec(rule.retry_at, fields, facts.tree, facts.message, now)
        )
    at = retry_at.retry_after(fields, now)
    if at is not None:
        return at
    at = retry_at.by_spec(
        "body:/error/details/*/retryDelay,body:/estimated_time,body:/retry_after,body:/retryAfter,body:/error/retry_after,body:/parameters/retry_after,text",
        {}, facts.tree, facts.message, now,
    )  # fmt: skip
    if at is not None:
        return at
    if kind in ("rate_limited", "quota_exhausted", "concurrency_limited", "slow_down"):
        spent = [
            told.reset_at
            for told in limits_told("", list(fields.items()), now)
            if told.remaining == 0 and told.reset_at is not None
        ]
        return max(spent, default=None)
    return None


def _unspoken(source: str, status: int, facts: Facts) -> str:
    """A message for an answer that holds none."""
    what = f"{source} answered {status}" if status else f"{source} sent an error in its stream"
    if facts.shape == "html":
        return f"{what} with an HTML page"
    if facts.codes:
        return f"{what} with the code {scrub(facts.codes[0])[:120]}"
    return f"{what} without a message"


def kind_of_status(status: int) -> str:
    """The kind that a status alone suggests, e.g. for a HEAD request."""
    return generic.by_status(status)
