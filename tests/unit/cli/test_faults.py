"""Faults on demand from the command line. What a gateway does with them is told in tests/flows/test_faults_on_demand.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trunkline.cli import exits, faults
from trunkline.control import publish
from trunkline.control.state import State
from trunkline.core.faults import FILE, read
from trunkline.core.service import Snapshot

pytestmark = pytest.mark.row("F12")
REGISTRY = """version: 1
integrations:
  claude: {vendor: anthropic, secret: env:KEY}
  crm: {base_url: https://crm.example, auth: {kind: none}}
"""


@pytest.fixture
def state(tmp_path: Path, monkeypatch) -> Path:
    (tmp_path / "trunkline.yaml").write_text(REGISTRY)
    monkeypatch.setenv("TRUNKLINE_ENV", "dev")
    State(tmp_path / ".trunkline", {}).create()
    return tmp_path / ".trunkline"


def test_a_fault_is_kept_in_the_vendors_own_words(trunkline, state) -> None:
    ran = trunkline("faults", "set", "claude", "overloaded", "--share", "0.2", "--for", "2h")
    assert (ran.code, "20%" in ran.err, "faults clear claude" in ran.err) == (exits.OK, True, True)
    (fault,) = read(state / FILE)
    assert (fault.integration, fault.fault, fault.play, fault.share, fault.status) == (
        "claude",
        "overloaded",
        "answer",
        0.2,
        529,
    )
    assert json.loads(fault.body)["error"]["type"] == "overloaded_error"
    assert fault.until - fault.since == pytest.approx(7200)


@pytest.mark.parametrize("name", faults.NAMES)
def test_every_fault_can_be_set_and_is_listed(trunkline, state, name) -> None:
    assert trunkline("faults", "set", "crm", name, "--for", "never").code == exits.OK
    assert trunkline("faults", "list", "--json").json == [
        {"integration": "crm", "fault": name, "share": 1.0, "until": None}
    ]
    (fault,) = read(state / FILE)
    assert (fault.status != 0) == (fault.play in ("answer", "event"))
    assert bool(fault.events) == (fault.play == "event")


def test_a_stream_of_anthropic_ends_with_an_event_of_its_own(trunkline, state) -> None:
    trunkline("faults", "set", "claude", "error_after")
    (fault,) = read(state / FILE)
    assert fault.events["anthropic"].startswith("event: error\ndata: ")
    assert fault.after == 3


def test_the_same_fault_set_again_replaces_itself_and_clear_lifts(trunkline, state) -> None:
    for share in ("0.5", "1"):
        trunkline("faults", "set", "crm", "refused", "--share", share)
    trunkline("faults", "set", "claude", "refused")
    listed = trunkline("faults", "list", "--json").json
    assert [(one["integration"], one["share"]) for one in listed] == [("crm", 1.0), ("claude", 1.0)]
    assert "Lifted 1 fault." in trunkline("faults", "clear", "crm").err
    assert "Lifted 1 fault." in trunkline("faults", "clear").err
    assert "No fault is set" in trunkline("faults", "list").err
    assert "No such fault" in trunkline("faults", "clear").err


def test_the_disk_of_the_record_can_be_made_full(trunkline, state) -> None:
    assert trunkline("faults", "set", "store:journal", "disk_full").code == exits.OK
    assert read(state / FILE)[0].play == "disk_full"
    ran = trunkline("faults", "set", "store:journal", "refused")
    assert (ran.code, "disk_full" in ran.err) == (exits.USAGE, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nope", "refused"), "Known: claude, crm"),
        (("crm", "nope"), "rate_limit_bare"),
        (("crm", "refused", "--share", "0"), "--share"),
        (("crm", "refused", "--share", "1.5"), "--share"),
        (("crm", "refused", "--for", "soon"), "--for"),
    ],
)
def test_what_does_not_fit_is_told_with_what_would(trunkline, state, arguments, said) -> None:
    ran = trunkline("faults", "set", *arguments)
    assert (ran.code, said in ran.err) == (exits.USAGE, True)
    assert not (state / FILE).exists()


@pytest.mark.parametrize("environment", ["prod", ""])
def test_in_production_nothing_is_set(trunkline, state, monkeypatch, environment) -> None:
    monkeypatch.delenv("TRUNKLINE_ENV")
    if environment:
        monkeypatch.setenv("TRUNKLINE_ENV", environment)
    ran = trunkline("faults", "set", "crm", "refused")
    assert (ran.code, "not for production" in ran.err) == (exits.AUTH, True)
    assert not (state / FILE).exists()


@pytest.mark.parametrize(("published", "here", "code"), [("dev", "", exits.OK), ("prod", "dev", exits.AUTH)])
def test_the_environment_is_that_of_what_runs_here(
    trunkline, state, monkeypatch, published, here, code
) -> None:
    monkeypatch.delenv("TRUNKLINE_ENV")
    if here:
        monkeypatch.setenv("TRUNKLINE_ENV", here)
    there = Snapshot(version="", created="", environment=published, services=[])
    publish.snapshot(State(state, {}), there)
    assert trunkline("faults", "set", "crm", "refused").code == code


def test_without_a_state_folder_there_is_nothing_to_set(trunkline, state) -> None:
    ran = trunkline("faults", "set", "crm", "refused", "--state-dir", "elsewhere")
    assert (ran.code, "trunkline serve" in ran.err) == (exits.INVALID, True)


def test_a_file_that_does_not_read_is_told_and_cleared(trunkline, state) -> None:
    (state / FILE).write_text("{")
    ran = trunkline("faults", "list")
    assert (ran.code, "faults clear" in ran.err) == (exits.FAILED, True)
    assert trunkline("faults", "clear").code == exits.OK
    assert trunkline("faults", "list", "--json").json == []
