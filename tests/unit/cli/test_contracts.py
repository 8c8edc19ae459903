"""`trunkline contracts`: what is known, what has changed, accepting it, readings, checks and cassettes. The story is in tests/flows."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket

import pytest

from tests.support.contracts import CHARGE, NAME, RETYPED, keep
from tests.unit.ops.contracts.test_openapi import DOCUMENT
from trunkline.cli import contract_calls, exits
from trunkline.cli.contracts import CHANGE_COLUMNS, OPERATION_COLUMNS, REVIEW_COLUMNS
from trunkline.control import audit
from trunkline.control.contracts import ContractProblem
from trunkline.control.state import State
from trunkline.core.service import Service, Snapshot
from trunkline.ops import findings
from trunkline.ops.contracts import cassette
from trunkline.ops.contracts.cassette import Cassette, Piece, Request, Response
from trunkline.ops.contracts.checks import Check
from trunkline.ops.contracts.looker import finding
from trunkline.ops.contracts.store import read

REGISTRY = """version: 1
defaults: {contract: {review: 90d}}
integrations:
  stripe: {secret: env:STRIPE_SECRET_KEY}
  crm: {base_url: 'https://crm.example.com', auth: {kind: none}}
"""
CHECK = """integration: stripe
checks:
  - name: a charge can be made
    call: POST /v1/charges
    expect: {status: 200, values: {/status: succeeded}, shape: lock}
"""


@pytest.fixture
def folder(trunkline, tmp_path):
    """A checkout with a registry."""
    del trunkline
    (tmp_path / "trunkline.yaml").write_text(REGISTRY)
    return tmp_path


@pytest.fixture
def state(folder):
    """The same with an installation, in which charges were seen for an hour."""
    made = State(folder / ".trunkline").create()
    keep(made.path, "stripe", (CHARGE, 60))
    return made


def lock(folder):
    return (folder / "trunkline.lock").read_text()


@pytest.mark.parametrize("command", [("contracts",), ("contracts", "list"), ("contracts", "check"), ("contracts", "diff"),
                                     ("contracts", "accept"), ("contracts", "learn")])  # fmt: skip
def test_where_nothing_is_known_every_command_says_so_and_how_to_go_on(trunkline, folder, command) -> None:
    del folder
    ran = trunkline(*command)
    assert (ran.code, ran.out) == (exits.OK, "")
    assert ran.err
    empty = trunkline(*command, "--json")
    assert (empty.code, empty.out.strip()) in [(0, ""), (0, "[]"), (0, '{"ok":true,"changes":[]}')]


@pytest.mark.row("C2")
def test_from_learning_to_a_change_to_its_acceptance(trunkline, folder, state) -> None:
    assert trunkline("contracts").out.splitlines()[0].split() == list(OPERATION_COLUMNS)
    assert trunkline("contracts", "learn", "--by", "jan").code == exits.OK
    assert "/amount: {seen: 60/60, type: integer}" in lock(folder)
    assert trunkline("contracts", "check").code == exits.OK

    keep(state.path, "stripe", (CHARGE, 60), (RETYPED, 12), lock=folder / "trunkline.lock")
    operation = read(state.path, "stripe").operations[NAME]
    findings.note(state, finding("stripe", NAME, operation.changes(), None), 1.0)

    found = trunkline("contracts", "check", "--json")
    assert (found.code, found.json["ok"]) == (exits.FAILED, False)
    (change,) = found.json["changes"]
    assert (change["operation"], change["place"], change["kind"], change["harm"]) == (
        NAME, "reply /amount", "retyped", "breaking",
    )  # fmt: skip
    shown = trunkline("contracts", "check", "stripe")
    assert shown.out.splitlines()[0].split() == list(CHANGE_COLUMNS)
    assert "trunkline contracts accept" in shown.err
    assert trunkline("contracts", "check", "crm").code == exits.OK

    diff = trunkline("contracts", "diff", "stripe")
    assert diff.code == exits.FAILED
    assert "-      /amount: {seen: 60/60, type: integer}" in diff.out
    assert trunkline("contracts", "diff", "stripe", "other").code == exits.OK
    assert trunkline("contracts", "diff", "--json").json[0]["difference"].startswith("-")

    taken = trunkline("contracts", "accept", "stripe", NAME, "--by", "eva")
    assert (taken.code, taken.out.strip()) == (exits.OK, f"stripe {NAME}: 1 change")
    assert "string" in lock(folder)
    assert trunkline("contracts", "check").code == exits.OK
    assert trunkline("contracts", "diff").code == exits.OK
    assert findings.listed(state) == []
    assert [(one["actor"], one["action"]) for one in audit.entries(state)] == [
        ("jan", "contract.learn"), ("eva", "contract.accept"),
    ]  # fmt: skip


def test_what_is_still_being_learned_says_how_long_and_what_to_do(trunkline, folder, state) -> None:
    del folder
    keep(state.path, "stripe", (CHARGE, 7), learned=False)
    ran = trunkline("contracts", "list", "stripe")
    assert "learning" in ran.out
    assert "60" in ran.err
    assert "trunkline contracts learn" in ran.err


@pytest.mark.row("C1")
def test_a_version_pinned_since_the_lock_was_written_is_a_change(trunkline, folder, state) -> None:
    trunkline("contracts", "learn")
    text = REGISTRY.replace("{secret: env:STRIPE", "{api_version: {value: '2027-01-01'}, secret: env:STRIPE")
    (folder / "trunkline.yaml").write_text(text)
    ran = trunkline("contracts", "check")
    assert ran.code == exits.FAILED
    assert "pinned is 2027-01-01" in ran.out
    assert "trunkline contracts learn stripe" in ran.err
    trunkline("contracts", "learn", "stripe")
    assert trunkline("contracts", "check").code == exits.OK
    assert state.path.is_dir()


def test_a_description_is_learned_and_compared(trunkline, folder, tmp_path) -> None:
    file = tmp_path / "spec.json"
    file.write_text(json.dumps(DOCUMENT))
    ran = trunkline("contracts", "learn", "crm", "--openapi", str(file))
    assert (ran.code, "describes nothing of crm that is in use" in ran.err, "--all" in ran.err) == (
        0,
        True,
        True,
    )
    ran = trunkline("contracts", "learn", "crm", "--openapi", str(file), "--all")
    assert ran.code == exits.OK
    assert "crm POST /v1/charges/{id}: new" in ran.out
    assert "seen: required" in lock(folder)
    assert trunkline("contracts", "check", "crm", "--openapi", str(file)).code == exits.OK
    changed = json.loads(json.dumps(DOCUMENT))
    del changed["components"]["schemas"]["Charge"]["properties"]["status"]
    file = tmp_path / "newer.json"
    file.write_text(json.dumps(changed))
    found = trunkline("contracts", "check", "crm", "--openapi", str(file), "--json")
    assert (found.code, {one["kind"] for one in found.json["changes"]}) == (exits.FAILED, {"removed"})


@pytest.mark.parametrize(
    ("command", "code", "told"),
    [
        (("diff", "strip"), exits.FAILED, "Did you mean 'stripe'?"),
        (("accept", "nobody"), exits.FAILED, "There is no integration 'nobody'"),
        (("check", "strip"), exits.FAILED, "Did you mean 'stripe'?"),
        (("list", "strip"), exits.FAILED, "Did you mean 'stripe'?"),
        (("learn", "--openapi", "x.json"), exits.USAGE, "Name the integration"),
        (("learn", "stripe", "--openapi", "x.json"), exits.INVALID, "x.json"),
        (("check", "--openapi", "x.json"), exits.USAGE, "name the one integration"),
        (("review", "nobody"), exits.FAILED, "There is no integration 'nobody'"),
        (("compare", "stripe", "crmm"), exits.FAILED, "Did you mean 'crm'?"),
        (("test",), exits.INVALID, "There are no checks in"),
        (("record",), exits.INVALID, "There are no checks in"),
        (("replay",), exits.FAILED, "trunkline contracts record"),
        (("test", "missing.yaml"), exits.INVALID, "missing.yaml"),
        (("replay", "missing.json"), exits.USAGE, "missing.json"),
    ],
)
def test_what_cannot_be_done_says_why_and_the_cure(trunkline, state, command, code, told) -> None:
    del state
    ran = trunkline("contracts", *command)
    assert (ran.code, ran.out) == (code, "")
    assert told in ran.err
    assert "defect" not in ran.err


def test_a_lock_that_is_damaged_is_told_with_its_line(trunkline, folder, state) -> None:
    del state
    (folder / "trunkline.lock").write_text("version: 1\nintegrations: {stripe: [\n")
    for command in ("check", "diff", "accept", "list"):
        ran = trunkline("contracts", command)
        assert ran.code == exits.INVALID, command
        assert "trunkline.lock:" in ran.err
        assert "Restore it" in ran.err


@pytest.mark.row("C4")
def test_a_reading_of_a_changelog_is_recorded_and_then_due_in_three_months(trunkline, state) -> None:
    before = trunkline("contracts", "review")
    assert before.out.splitlines()[0].split() == list(REVIEW_COLUMNS)
    assert [one["state"] for one in trunkline("contracts", "review", "--json").json] == ["never", "never"]
    ran = trunkline("contracts", "review", "stripe", "--note", "nothing for us", "--by", "eva")
    assert (ran.code, "eva has read the changelog of stripe" in ran.err) == (exits.OK, True)
    after, _ = trunkline("contracts", "review", "--json").json
    assert (after["state"], after["who"], after["note"], after["every_days"]) == (
        "fresh", "eva", "nothing for us", 90,
    )  # fmt: skip
    assert [one["action"] for one in audit.entries(state)] == ["contract.review"]


def kept(folder, **body):
    """A cassette of the check, and the check."""
    (folder / "contracts").mkdir(exist_ok=True)
    (folder / "contracts" / "stripe.yaml").write_text(CHECK)
    answer = Response(
        status=200, at_ms=3.0, headers={"content-type": "application/json"},
        pieces=[Piece(at_ms=4.0, text=json.dumps({**CHARGE, **body}))],
    )  # fmt: skip
    one = Cassette(
        name="a charge can be made", integration="stripe", api_version="", recorded="2026-11-21",
        request=Request(method="POST", path="/v1/charges"), response=answer,
    )  # fmt: skip
    cassette.write(cassette.path_of(folder / "contracts" / "cassettes", "stripe", one.name), one)


@pytest.mark.row("C5")
def test_recorded_checks_hold_or_break_the_build(trunkline, folder, state) -> None:
    del state
    kept(folder)
    unknown = trunkline("contracts", "test", "--recorded")
    assert (unknown.code, "is not in the lock" in unknown.out) == (exits.FAILED, True)
    trunkline("contracts", "learn")
    good = trunkline("contracts", "test", "--recorded")
    assert (good.code, good.out.strip()) == (exits.OK, "ok    stripe  a charge can be made")
    assert trunkline("contracts", "replay", "--assert").code == exits.OK
    kept(folder, status="pending", amount="5")
    bad = trunkline("contracts", "test", "--recorded", "--json")
    (outcome,) = bad.json["checks"]
    assert (bad.code, bad.json["ok"]) == (exits.FAILED, False)
    assert outcome["problems"][0] == '/status is "pending", not "succeeded"'
    assert any("another type" in problem for problem in outcome["problems"])
    judged = trunkline("contracts", "replay", "--assert", "--json")
    assert (judged.code, judged.json["ok"]) == (exits.FAILED, False)
    assert trunkline("contracts", "test", "--recorded", "--only", "no such").code == exits.INVALID


@pytest.mark.row("C5")
def test_checks_against_a_vendor_need_something_that_runs(trunkline, folder, state) -> None:
    del state
    kept(folder)
    for command in ("test", "record"):
        ran = trunkline("contracts", command)
        assert ran.code == exits.UNAVAILABLE
        assert "--serve" in ran.err


@pytest.mark.row("C6")
def test_two_versions_are_compared_in_shape(trunkline, folder, state) -> None:
    (folder / "trunkline.yaml").write_text(
        REGISTRY + "  stripe@2026-08: {secret: env:S, api_version: {value: '2026-08-27'}}\n"
    )
    keep(state.path, "stripe@2026-08", (RETYPED, 60))
    ran = trunkline("contracts", "compare", "stripe", "stripe@2026-08", "--json")
    assert ran.code == exits.OK
    (shape,) = ran.json["shapes"]
    assert [(one["place"], one["kind"]) for one in shape["changes"]] == [("/amount", "retyped")]
    assert ran.json["calls"] == []
    shown = trunkline("contracts", "compare", "stripe", "stripe@2026-08")
    assert "another type" in shown.out


def test_a_port_that_is_taken_is_told_with_the_cure(trunkline, folder, state) -> None:
    del state
    kept(folder)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = trunkline("contracts", "replay", "--port", str(taken.getsockname()[1]))
    assert ran.code == exits.FAILED
    assert "cannot be had (Address already in use). Give another with --port" in ran.err


def test_what_is_no_description_is_named(trunkline, folder, tmp_path) -> None:
    del folder
    (tmp_path / "spec.json").write_text("[]")
    ran = trunkline("contracts", "check", "stripe", "--openapi", str(tmp_path / "spec.json"))
    assert ran.code == exits.INVALID
    assert f"{tmp_path / 'spec.json'}: This is no OpenAPI description" in ran.err


def test_a_description_of_what_is_not_locked_is_compared_with_nothing_and_says_so(
    trunkline, folder, tmp_path
) -> None:
    """It said that nothing had changed, and a build went on."""
    del folder
    (tmp_path / "spec.json").write_text(json.dumps(DOCUMENT))
    ran = trunkline("contracts", "check", "stripe", "--openapi", str(tmp_path / "spec.json"))
    assert ran.code == exits.FAILED
    assert "Nothing of stripe is in" in ran.err
    assert "trunkline contracts learn stripe --openapi" in ran.err


class Heard:
    """An answer as the standard library gives it."""

    def __init__(self, status: int, body: bytes, **fields: str) -> None:
        self.status = status
        self._pieces = [body, b""]
        self._fields = [(name.replace("_", "-"), value) for name, value in fields.items()]

    def read1(self, _: int) -> bytes:
        return self._pieces.pop(0)

    def getheaders(self) -> list[tuple[str, str]]:
        return self._fields


@pytest.fixture
def caller(monkeypatch):
    """A caller through a gateway that gives one answer."""

    def made(answer: Heard) -> contract_calls.Caller:
        monkeypatch.setattr(contract_calls, "read_snapshot", lambda _: SNAPSHOT)
        monkeypatch.setattr(contract_calls, "request", lambda *_: contextlib.nullcontext(answer))
        return contract_calls.Caller(None, {}, "tl_test_not_a_real_key")  # type: ignore[arg-type]

    return made


SNAPSHOT = Snapshot(version="1", created="", environment="dev", services=[Service(name="shop")])
ASKED = Check(name="x", call="GET /x", integration="shop")


@pytest.mark.row("C5")
def test_an_answer_that_comes_packed_is_recorded_as_it_was_meant(caller) -> None:
    packed = Heard(
        200, gzip.compress(b'{"ok":true}'), content_type="application/json", content_encoding="gzip"
    )
    assert caller(packed).recorded(ASKED).response.body == b'{"ok":true}'


@pytest.mark.row("C5")
def test_what_trunkline_itself_answers_is_never_recorded_as_the_vendors(caller) -> None:
    own = Heard(503, b"{}", x_trunkline_error_source="trunkline", x_trunkline_error_code="secret_unavailable")
    with pytest.raises(ContractProblem, match="Trunkline did, with 503 secret_unavailable"):
        caller(own).recorded(ASKED)
    with pytest.raises(ContractProblem, match=r"There is no integration 'shpo'; .*Did you mean 'shop'\?"):
        caller(own).recorded(Check(name="x", call="GET /x", integration="shpo"))
