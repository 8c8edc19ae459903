"""Every recorded failure of every vendor comes out as the kind that it is."""

from __future__ import annotations

import functools
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from trunkline.core.errors import KINDS, CallError
from trunkline.core.service import ErrorRule, ErrorShape
from trunkline.engine.classify import Rules, classify, classify_event, looks_ok
from trunkline.engine.rules import Rule
from trunkline.engine.verdict import finish_kind

ROOT = Path(__file__).parents[3]
CORPUS = ROOT / "tests/corpus"
REGISTRY = ROOT / "src/trunkline/registry"
NOW = datetime.fromisoformat("2026-11-21T10:00:00Z").timestamp()


class Expect(msgspec.Struct, forbid_unknown_fields=True):
    """What must come out. `retry_in` is in seconds from now; without it and `retry_at` there must be no instant."""

    code: str
    retryable: bool
    retry_in: float | None = None
    retry_at: str = ""
    vendor_code: str | None = None
    request_id: str | None = None
    param: str | None = None
    message: str | None = None
    acted: bool | None = None
    again: bool | None = None
    confidence: str | None = None


class Case(msgspec.Struct, forbid_unknown_fields=True):
    """One answer (`status`) or one event of a stream (`event`), and what it means."""

    name: str
    expect: Expect | str
    vendor: str = ""
    status: int = 0
    method: str = "POST"
    headers: dict[str, str] = {}
    body: Any = None
    text: str | None = None
    event: str | None = None
    data: Any = None
    json: bool = False
    finish: str | None = None


def _cases() -> list[Case]:
    cases = []
    for path in sorted(CORPUS.glob("*.yaml")):
        document = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
        for raw in document["cases"]:
            case = msgspec.convert({"vendor": document.get("vendor", ""), **raw}, Case)
            cases.append(case)
    return cases


@functools.cache
def rules_of(vendor: str) -> Rules:
    if not vendor:
        return Rules()
    places = [REGISTRY / folder / f"{vendor}.yaml" for folder in ("catalog", "catalog_errors")]
    entry = yaml.load(next(p for p in places if p.exists()).read_text(encoding="utf-8"), yaml.CSafeLoader)
    return Rules(
        msgspec.convert(entry.get("errors", []), list[ErrorRule]),
        msgspec.convert(entry.get("error_shape", {}), ErrorShape),
        msgspec.convert(entry.get("ok_body", {}), dict[str, str]),
        request_id_headers=entry.get("request_id_headers", []),
    )


CASES = _cases()


def answer_of(case: Case) -> tuple[list[tuple[bytes, bytes]], bytes]:
    body = msgspec.json.encode(case.body) if case.text is None else case.text.encode()
    headers = {"content-type": "application/json"} if case.text is None else {}
    return [(n.encode(), v.encode()) for n, v in {**headers, **case.headers}.items()], body


def outcome(case: Case) -> CallError | None:
    rules = rules_of(case.vendor)
    if case.event is not None and not case.status:
        data = case.data.encode() if isinstance(case.data, str) else msgspec.json.encode(case.data)
        return classify_event(rules, case.event, data, now=NOW, source=case.vendor or "crm")
    headers, body = answer_of(case)
    source, method = case.vendor or "crm", case.method
    return classify(
        rules, case.status, headers, body, now=NOW, source=source, method=method, json_promised=case.json
    )


@pytest.mark.row("E2", "E3")
@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.vendor or 'generic'}: {c.name}")
def test_each_recorded_answer_is_understood(case: Case) -> None:
    error = outcome(case)
    if case.expect == "ok":
        assert error is None, error
        return
    assert isinstance(case.expect, Expect)
    expect = case.expect
    assert error is not None, "taken for a success"
    told = {
        "code": error.code,
        "retryable": error.retryable,
        "retry_at": None if error.retry_at is None else round(error.retry_at - NOW, 6),
    }
    wanted_at = expect.retry_in
    if expect.retry_at:
        wanted_at = datetime.fromisoformat(expect.retry_at).timestamp() - NOW
    assert told == {"code": expect.code, "retryable": expect.retryable, "retry_at": wanted_at}
    details = {
        "vendor_code": error.vendor_code,
        "request_id": error.vendor_request_id,
        "param": error.param,
        "message": error.message,
        "acted": error.may_have_acted,
        "again": error.again,
        "confidence": error.confidence,
    }
    wanted = {name: value for name in details if (value := getattr(expect, name)) is not None}
    assert {name: details[name] for name in wanted} == wanted
    assert error.message
    assert error.source == (case.vendor or "crm")


@pytest.mark.parametrize(
    "case", [c for c in CASES if c.finish is not None], ids=lambda c: f"{c.vendor}: {c.name}"
)
def test_finish_reasons_are_told_although_the_answer_is_passed_on(case: Case) -> None:
    assert finish_kind(case.body) == case.finish


@pytest.mark.parametrize(
    "case",
    [c for c in CASES if 200 <= c.status < 300 and c.expect != "ok"],
    ids=lambda c: f"{c.vendor}: {c.name}",
)
def test_the_quick_look_never_passes_a_failure(case: Case) -> None:
    headers, body = answer_of(case)
    kind = dict(headers).get(b"content-type", b"")
    assert not looks_ok(rules_of(case.vendor), case.status, kind, body, json_promised=case.json)


def test_the_corpus_covers_every_vendor_of_the_catalog_and_every_kind_that_vendors_cause() -> None:
    vendors = {p.stem for folder in ("catalog", "catalog_errors") for p in (REGISTRY / folder).glob("*.yaml")}
    assert vendors - {c.vendor for c in CASES} == set()
    kinds = {c.expect.code for c in CASES if isinstance(c.expect, Expect)}
    of_vendors = set(list(KINDS)[: list(KINDS).index("unauthenticated")])
    assert of_vendors - kinds == {"network", "outcome_unknown"}, "those two come from the wire and the plan"
    assert len(CASES) >= 250


def test_every_rule_of_every_vendor_is_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that no recorded answer reaches is a guess; record an answer or drop the rule."""
    compiled: dict[str, Rules] = {vendor: rules_of(vendor) for vendor in {c.vendor for c in CASES}}
    monkeypatch.setitem(globals(), "rules_of", compiled.__getitem__)
    reached: set[Rule] = set()
    holds = Rule.holds

    def watched(self: Rule, *conditions: Any) -> bool:
        held = holds(self, *conditions)
        if held:
            reached.add(self)
        return held

    monkeypatch.setattr(Rule, "holds", watched)
    for case in CASES:
        outcome(case)
    idle = [
        f"{vendor}: rule {n} ({rule.kind})"
        for vendor, rules in sorted(compiled.items())
        for n, rule in enumerate(rules.rules, 1)
        if rule not in reached
    ]
    assert idle == []


def test_a_rule_that_cannot_be_is_refused_with_its_number() -> None:
    """A rule with an unknown kind or a broken pattern is refused when it is compiled."""
    with pytest.raises(ValueError, match=r"error rule 1 \(nonsense\): unknown kind 'nonsense'"):
        Rules([ErrorRule(kind="nonsense")])
    with pytest.raises(ValueError, match=r"error rule 1 \(conflict\): '\(' is no regular expression"):
        Rules([ErrorRule(kind="conflict", text="(")])
