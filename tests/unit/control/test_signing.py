"""A webhook is never signed with a secret that anybody could have (S10 of the battery)."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from trunkline.control import published
from trunkline.control.lint import findings_of
from trunkline.control.reload import Compiler, Outcome
from trunkline.control.state import State
from trunkline.settings import Settings

pytestmark = pytest.mark.row("O3")

GOOD = "whsec_" + base64.b64encode(b"sixteen bytes or more").decode()
NOTIFY = "notify: {webhook: 'https://hooks.example.com/x', webhook_secret: 'env:HOOK'}\n"
RULE = "alerts: {ops: {to: {kind: webhook, url: 'https://hooks.example.com/x', secret: 'env:HOOK'}}}\n"


def loaded(state: State, folder: Path, text: str, environ: dict[str, str], *, first: bool = True) -> Outcome:
    file = folder / "trunkline.yaml"
    file.write_text(f"version: 1\n{text}integrations: {{}}\n")
    return Compiler(state, Settings(config=str(file)), environ).run(first=first)


@pytest.mark.parametrize("text", [NOTIFY, RULE], ids=["notify", "alerts"])
@pytest.mark.parametrize("value", ["", " ", "whsec_", "whsec_c2hvcnQ=", "secret", "whsec_!!"])
def test_an_empty_or_weak_one_refuses_the_start_with_the_line_and_the_cure(
    state: State, tmp_path: Path, text: str, value: str
) -> None:
    outcome = loaded(state, tmp_path, text, {"HOOK": value})
    assert (outcome.ok, published.read_snapshot(state)) == (False, None)
    [error] = outcome.errors
    assert (error.code, error.line) == ("weak-signing-secret", 2)
    assert "openssl rand -base64 32" in error.cure
    _, found = findings_of(tmp_path / "trunkline.yaml", "prod", {"HOOK": value}, state)
    assert [one.severity for one in found if one.code == "weak-signing-secret"] == ["error"]


@pytest.mark.parametrize("environ", [{"HOOK": GOOD}, {}], ids=["good", "not set"])
def test_a_good_one_and_one_that_is_not_there_are_no_such_fault(
    state: State, tmp_path: Path, environ: dict[str, str]
) -> None:
    assert loaded(state, tmp_path, NOTIFY, environ).ok


def test_a_reload_that_brings_a_weak_one_leaves_the_old_live(state: State, tmp_path: Path) -> None:
    before = loaded(state, tmp_path, NOTIFY, {"HOOK": GOOD})
    after: Any = loaded(state, tmp_path, NOTIFY + RULE, {"HOOK": "whsec_"}, first=False)
    assert (after.ok, after.version) == (False, before.version)
