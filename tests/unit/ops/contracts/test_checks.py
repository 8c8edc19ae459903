"""Declared checks: how they are written, and what they say of an answer."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.ops.contracts.test_single import LOCKED, answer
from tests.unit.ops.contracts.test_watch import BODY
from trunkline.ops.contracts import checks
from trunkline.ops.contracts.checks import Check, ChecksInvalid, Expect, judged, read
from trunkline.ops.contracts.lock import Lock, LockedIntegration
from trunkline.ops.contracts.single import Answer

LOCK = Lock(integrations={"stripe": LockedIntegration("", {"create_charge": LOCKED})})
FILE = """
integration: stripe
checks:
  - name: a charge can be made
    call: post /v1/charges?expand=card
    body: {amount: 5}
    expect: {status: 200, values: {/status: /succ.*/}, present: [/id], shape: lock}
  - name: of another
    integration: crm
    call: GET /people
"""


def problems(expect: Expect, given: Answer, operation: str = "create_charge") -> list[str]:
    outcome = judged(
        Check(name="x", call="POST /v1/charges", integration="stripe", expect=expect), given, LOCK, operation
    )
    assert outcome.passed == (not outcome.problems)
    return outcome.problems


@pytest.mark.row("C5")
def test_a_file_of_checks_is_read(tmp_path: Path) -> None:
    path = tmp_path / "stripe.yaml"
    path.write_text(FILE)
    first, second = read(path)
    assert (first.method, first.target, first.integration, first.content) == (
        "POST",
        "/v1/charges?expand=card",
        "stripe",
        b'{"amount":5}',
    )
    assert (second.integration, second.content, second.expect) == ("crm", b"", Expect())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("checks: [a\nb: c", ":2 is no valid YAML"),
        ("a: 1\nchecks: [\n", "is no valid YAML"),
        ("checks: [{name: x, call: GET /, nope: 1}]", "unknown field `nope`"),
        ("checks: [{name: x, call: GET /}]", "names no `integration`"),
        ("integration: a\nchecks: [{name: x, call: /only-a-path}]", "is no `METHOD /path`"),
        ("[]", "Expected `object`"),
    ],
)
def test_a_file_that_cannot_be_read_says_where_and_why(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(ChecksInvalid) as problem:
        read(path)
    assert said in str(problem.value)
    assert "x.yaml" in str(problem.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ChecksInvalid, match="cannot be read"):
        read(tmp_path / "none.yaml")


@pytest.mark.row("C5")
@pytest.mark.parametrize(
    ("expect", "said"),
    [
        ({}, []),
        ({"status": 201}, ["status is 200, not 201"]),
        ({"status": [200, 201]}, []),
        ({"values": {"/amount": 5, "/status": "/succ.*/"}}, []),
        ({"values": {"/amount": 6}}, ["/amount is 5, not 6"]),
        ({"values": {"/amount": True}}, ["/amount is 5, not true"]),
        ({"values": {"/nope": 1}}, ["/nope is missing"]),
        ({"values": {"/nope": None, "/customer": None}}, []),
        ({"present": ["/id", "/card/brand"], "absent": ["/error"]}, []),
        ({"present": ["/nope"], "absent": ["/id"]}, ["/nope is missing", "/id is there"]),
        ({"headers": {"Content-Type": "/application.*/"}}, []),
        ({"headers": {"x-one": "1"}}, ["header x-one is missing"]),
        (
            {"headers": {"content-type": "text/html"}},
            ["header content-type is 'application/json', not 'text/html'"],
        ),
        ({"events": ["start"]}, ["the answer is no stream but application/json"]),
        ({"shape": "strict"}, []),
    ],
)
def test_expectations(expect: Any, said: list[str]) -> None:
    assert problems(Expect(**expect), answer(BODY)) == said


def test_a_failure_is_one_without_an_expectation() -> None:
    assert problems(Expect(), answer({}, 402)) == ["status is 402"]
    assert problems(Expect(status=402), answer({}, 402)) == []


def test_a_body_that_is_no_json_is_told_where_something_of_it_is_expected() -> None:
    broken = Answer(status=200, headers={"content-type": "text/html"}, body=b"<html>")
    assert problems(Expect(present=["/id"]), broken) == ["the body is no JSON but text/html, 6 bytes"]
    assert problems(Expect(), broken) == []


@pytest.mark.row("C5")
def test_the_shape_is_that_of_the_lock() -> None:
    added, retyped = answer({**BODY, "fresh": 1}), answer({**BODY, "amount": "5"})
    assert problems(Expect(shape="lock"), answer(BODY)) == []
    assert problems(Expect(shape="lock"), added) == []
    assert len(problems(Expect(shape="strict"), added)) == 1
    assert len(problems(Expect(shape="lock"), retyped)) == 1
    (unknown,) = problems(Expect(shape="lock"), answer(BODY), operation="")
    assert (
        unknown
        == "stripe POST /v1/charges is not in the lock. Learn it first: trunkline contracts accept stripe"
    )


@pytest.mark.row("C5")
def test_events_come_in_their_order() -> None:
    body = b'event: start\ndata: {"n":1}\n\ndata: {"type":"delta","text":"a"}\n\nevent: end\ndata: {}\n\ndata: [DONE]\n\n'
    stream = Answer(status=200, headers={"content-type": "text/event-stream"}, body=body)
    assert problems(Expect(events=["start", "delta", "end", "[DONE]"]), stream) == []
    assert problems(Expect(events=["start", "end"]), stream) == []
    assert problems(Expect(events=["end", "start"]), stream) == ["event start does not come where it should"]
    assert problems(Expect(events=["other"]), stream) == ["event other does not come"]
    assert problems(Expect(values={"/1/text": "a"}), stream) == []


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        ("{present: [id]}", "`present: id` is no JSON pointer, write `/id`, in 'a'."),
        ("{absent: [id]}", "`absent: id` is no JSON pointer"),
        ("{values: {status: paid}}", "`values: status` is no JSON pointer"),
        (
            '{values: {/status: "/[/"}}',
            "`/status: /[/` is no regular expression (unterminated character set at position 0) in 'a'.",
        ),
        (
            '{headers: {sunset: "/*/"}}',
            "`sunset: /*/` is no regular expression (nothing to repeat at position 0)",
        ),
    ],
)
def test_what_would_always_hold_or_cannot_be_judged_is_refused(
    tmp_path: Path, expect: str, said: str
) -> None:
    """A pointer without its slash meant the whole body, which is always there."""
    path = tmp_path / "shop.yaml"
    path.write_text(f"integration: shop\nchecks:\n  - {{name: a, call: GET /x, expect: {expect}}}\n")
    with pytest.raises(checks.ChecksInvalid) as problem:
        checks.read(path)
    assert str(problem.value).startswith(f"{path}: {said}")


def test_checks_that_would_share_a_cassette_are_named() -> None:
    one = Check(name="A payment!", call="GET /x", integration="shop", file="a.yaml")
    same = Check(name="a payment", call="GET /y", integration="shop", file="b.yaml")
    other = Check(name="a payment", call="GET /y", integration="crm", file="b.yaml")
    (told,) = checks.doubles([one, same, other])
    assert told.startswith("b.yaml: 'a payment' and 'A payment!' (a.yaml) of shop would share a cassette.")


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(checks.ChecksInvalid, match="is no text in UTF-8"):
        checks.read(path)
