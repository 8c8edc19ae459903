"""`trunkline findings`: list, show, ack, resolve."""

from __future__ import annotations

import json

import pytest

from trunkline.cli.findings import COLUMNS
from trunkline.control import audit
from trunkline.control.state import State
from trunkline.ops import findings
from trunkline.ops.findings import Finding

NOW = 1_790_000_000.0


@pytest.fixture
def state(trunkline, tmp_path):
    del trunkline
    return State(tmp_path / ".trunkline").create()


@pytest.fixture
def made(state):
    drift = Finding(
        kind="contract.drift", integration="stripe", subject="create_charge", severity="warning",
        title="amount is a string now", detail={"path": "/amount", "paths": [1]}, correlation_ids=["corr-1", "corr-2"],
    )  # fmt: skip
    return findings.note(state, drift, NOW)


def test_an_empty_list_says_so(trunkline, state):
    del state
    ran = trunkline("findings")
    assert (ran.code, ran.out) == (0, "")
    assert "Nothing is open" in ran.err


def test_the_open_ones_are_listed(trunkline, made):
    ran = trunkline("findings", "list")
    assert ran.out.splitlines()[0].split() == list(COLUMNS)
    assert "warning" in ran.out
    assert made in ran.out
    [line] = trunkline("findings", "list", "--kind", "contract", "--json").out.splitlines()
    assert json.loads(line)["id"] == made
    assert trunkline("findings", "list", "--integration", "openai", "--json").out == ""


def test_one_is_shown_with_its_details(trunkline, made):
    ran = trunkline("findings", "show", made)
    assert ran.out.splitlines()[0] == "amount is a string now"
    assert "  calls          corr-1 corr-2" in ran.out
    assert "  path           /amount" in ran.out
    assert "  paths          [1]" in ran.out
    assert trunkline("findings", "show", made, "--json").json["detail"] == {"path": "/amount", "paths": [1]}


def test_one_is_acknowledged_and_resolved_by_whom(trunkline, state, made):
    assert trunkline("findings", "ack", made, "--by", "jan", "--note", "asked them").code == 0
    assert "by jan" in trunkline("findings", "show", made).out
    assert trunkline("findings", "resolve", made, "--by", "eva", "--json").json["state"] == "resolved"
    assert trunkline("findings", "list", "--json").out == ""
    assert [
        json.loads(o)["id"] for o in trunkline("findings", "list", "--all", "--json").out.splitlines()
    ] == [made]
    assert [e["actor"] for e in audit.entries(state)][-2:] == ["jan", "eva"]


def test_what_is_not_there_is_told_with_the_cure(trunkline, made):
    del made
    ran = trunkline("findings", "show", "fnd_none")
    assert (ran.code, ran.out) == (1, "")
    assert "There is no finding 'fnd_none'. `trunkline findings list --all`" in ran.err
    assert trunkline("findings", "ack", "x", "--by", " ").code == 2
