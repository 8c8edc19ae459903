from __future__ import annotations

from typing import Any

import pytest

from trunkline.core.errors import KINDS
from trunkline.core.flow import Fallback
from trunkline.ops.drill.faults import FAULTS
from trunkline.ops.drill.verdict import Asked, Check, Evidence, Finding, Seen, Verdict, judge

pytestmark = pytest.mark.row("F12")
SPARE = Fallback(kind="target", target="spare")
STALE = Fallback(kind="stale", max_age=3600)
DEFER = Fallback(kind="defer")


CODES = {"server_error": "server_error", "rate_limit": "rate_limited", "refused": "network", "reset": "network", "cut": "network",
         "auth_invalid": "auth_invalid"}  # fmt: skip


def tried(code: str, status: int = 500, *, target: str = "openai.1", sent: bool = True) -> dict[str, Any]:
    return {"target": target, "code": code, "status": status, "sent": sent}


def evidence(
    fault: str = "server_error",
    *,
    attempts: list[dict[str, Any]] | None = None,
    state: str = "error",
    asked: list[Asked] | None = None,
    seen: dict[str, Any] | None = None,
    **more: Any,
) -> Evidence:
    """A call that failed with the fault's own code in 0.1 s, unless said otherwise."""
    code = CODES.get(fault, "overloaded")
    shown = {"correlation_id": "drill-1", "ending": "error", "took_s": 0.1, "status": 502, "code": code}
    tries = [tried(code)] if attempts is None else attempts
    values = {"form": "model", "chain": (), "repeat": "always", "deadline_s": 4.0, "attempts_max": 4, **more}
    return Evidence(
        fault=FAULTS[fault],
        struck="openai.1",
        seen=Seen(**{**shown, **(seen or {})}),
        asked=asked or [],
        rows=values.pop("rows", [{"state": state, "attempts": tries}]),
        **values,
    )


def failed(it: Evidence) -> list[str]:
    return [check.name for check in judge(it, "openai").checks if not check.ok]


ANSWERED = {"ending": "answer", "status": 200, "code": ""}


def test_a_clear_failure_passes_and_the_missing_fallback_is_a_finding() -> None:
    assert judge(evidence(), "openai") == Verdict(
        "pass",
        [
            Check("in time", True, "0.10 s of 4.00 s + 250 ms"),
            Check("told clearly", True, "502 server_error"),
            Check("attempts", True, "1 of at most 4"),
            Check("never twice", True, "may be repeated"),
            Check("recorded", True, "once, as error"),
        ],
        [Finding("no-fallback", "openai", "`server_error`")],
    )


def test_a_declared_fallback_must_answer() -> None:
    served = evidence(
        chain=[SPARE],
        state="ok",
        attempts=[tried("server_error"), tried("", 200, target="spare.1")],
        seen={**ANSWERED, "fallback": "target=spare.1"},
    )
    verdict = judge(served, "openai")
    assert (verdict.result, verdict.findings) == ("pass", [])
    assert Check("fallback", True, "target=spare.1 answered with 200") in verdict.checks
    assert failed(evidence(chain=[SPARE])) == ["fallback"]


def test_a_fallback_that_is_declared_for_other_failures_is_not_asked_for() -> None:
    only = Fallback(kind="static", body="{}", on=["rate_limited"])
    verdict = judge(evidence(chain=[only]), "openai")
    assert (verdict.result, [one.code for one in verdict.findings]) == ("pass", ["no-fallback"])
    assert failed(evidence("rate_limit", chain=[only])) == ["fallback"]


def test_an_older_answer_counts_as_the_fallback_stale() -> None:
    assert failed(evidence(chain=[STALE], state="ok", seen={**ANSWERED, "cache": "stale; age=3"})) == []


def test_an_act_has_no_older_answer_and_one_that_may_have_happened_no_fallback_at_all() -> None:
    act: dict[str, Any] = {"form": "act", "repeat": "never", "chain": [STALE]}
    refused = evidence("refused", attempts=[tried("network", 0, sent=False)], **act)
    assert [one.code for one in judge(refused, "crm").findings] == ["no-fallback"]
    act["chain"] = [SPARE]
    assert failed(evidence("refused", attempts=[tried("network", 0, sent=False)], **act)) == ["fallback"]
    in_doubt = evidence("reset", attempts=[tried("network", 0)], seen={"code": "outcome_unknown"}, **act)
    assert (failed(in_doubt), judge(in_doubt, "crm").findings) == ([], [])


def test_waiting_cures_only_what_passes() -> None:
    assert failed(evidence("overloaded", chain=[DEFER])) == ["fallback"]
    assert failed(evidence("auth_invalid", chain=[DEFER], attempts=[tried("auth_invalid", 401)])) == []


def test_a_deferred_call_must_run() -> None:
    ran = Check("ran later", False, "it had not run")
    assert failed(evidence(chain=[DEFER], state="ok", seen={**ANSWERED, "fallback": "defer"}, later=ran)) == [
        "ran later"
    ]


def test_a_late_or_hung_call_fails() -> None:
    assert failed(evidence(seen={"took_s": 4.3})) == ["in time"]
    assert failed(evidence(seen={"took_s": 4.2})) == []
    assert failed(evidence(seen={"ending": "hung", "took_s": 9.0, "code": ""})) == ["in time", "told clearly"]


def test_a_failure_must_not_pass_as_an_answer() -> None:
    it = evidence("bad_json", state="ok", attempts=[tried("", 200)], seen=ANSWERED)
    assert failed(it) == ["told clearly"]


def test_an_error_that_nothing_tells_from_an_answer_is_a_finding() -> None:
    it = evidence("error_in_200", state="ok", attempts=[tried("", 200)], seen=ANSWERED)
    assert [one.code for one in judge(it, "mistral").findings] == ["error-passes"]
    assert failed(it) == []


@pytest.mark.parametrize("code", ["internal", "rate_limited", "no_such_code"])
def test_a_failure_must_be_told_by_its_right_code(code: str) -> None:
    assert failed(evidence(seen={"code": code})) == ["told clearly"]


def test_a_stream_that_broke_must_say_so() -> None:
    stream: dict[str, Any] = {"form": "stream", "state": "truncated", "chain": [SPARE]}
    assert failed(evidence("cut", seen={"ending": "event", "status": 200, "code": "network"}, **stream)) == []
    assert failed(evidence("cut", seen={"ending": "cut", "status": 200, "code": ""}, **stream)) == [
        "told clearly"
    ]
    ended = {"ending": "event", "status": 200, "code": "overloaded"}
    overloaded = [tried("overloaded", 200)]
    assert failed(evidence("error_first", seen=ended, attempts=overloaded, **stream)) == ["fallback"]


def test_a_whole_answer_that_was_cut_can_still_fall_back() -> None:
    assert failed(evidence("cut", chain=[SPARE], attempts=[tried("network", 200)])) == ["fallback"]


def asked(acted: int, *, key: str = "") -> list[Asked]:
    return [Asked(at="openai.1", begun=float(n), status=0, acted=True, key=key) for n in range(acted)]


@pytest.mark.parametrize(
    ("repeat", "tries", "there", "fine"),
    [
        ("never", [tried("server_error")], asked(0), True),
        ("never", [tried("server_error"), tried("server_error")], asked(0), False),
        ("never", [tried("rate_limited", 429), tried("", 200)], asked(1), True),
        ("never", [tried("network", 0, sent=False), tried("", 200)], asked(1), True),
        ("never", [tried("network", 0), tried("", 200)], asked(1), False),
        ("never", [tried("overloaded", 503), tried("overloaded", 503)], asked(0), True),
        ("never", [tried("network", 0)], asked(2), False),
        ("with_key", [tried("network", 0), tried("network", 0)], asked(2, key="k"), True),
        ("with_key", [tried("network", 0), tried("network", 0)], asked(2), False),
    ],
)
def test_an_act_is_never_done_twice(repeat: Any, tries: list[Any], there: list[Asked], fine: bool) -> None:
    it = evidence(form="act", repeat=repeat, attempts=tries, asked=there, undone=frozenset(("overloaded",)))
    assert ("never twice" in failed(it)) is not fine


def test_attempts_are_bounded_and_the_ledger_has_the_call_once() -> None:
    assert failed(evidence(attempts=[tried("server_error")] * 5)) == ["attempts"]
    assert failed(evidence(rows=[])) == ["recorded"]
    assert failed(evidence(state="running")) == ["recorded"]
    row = {"state": "error", "attempts": [tried("server_error")]}
    assert failed(evidence(rows=[row, row])) == ["recorded"]


def test_every_code_that_a_fault_may_be_told_by_exists() -> None:
    named = {code for fault in FAULTS.values() for code in fault.codes}
    assert named <= KINDS.keys()
