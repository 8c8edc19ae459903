"""`secrets rotate`, `rotations`, `impact`, `verify`: what a person says and reads."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.simulator import SimulatorProcess, running_simulator
from trunkline.cli.main import run
from trunkline.control import publish, rotations, secrets
from trunkline.control.state import State
from trunkline.core.service import Credential, Service, Snapshot

OLD, NEW = "sk-test-not-a-real-key-0001", "sk-test-not-a-real-key-0002"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> State:
    made = State(tmp_path / "state", {}).create()
    secrets.set_secret(made, "STRIPE", OLD)
    spec = Service(
        name="stripe", vendor="stripe", owner="pay@example.com", credentials=[Credential(ref="store:STRIPE")]
    )
    publish.snapshot(made, Snapshot(version="", created="", environment="prod", services=[spec]))
    for name, value in (
        ("STATE_DIR", str(made.path)),
        ("CONFIG", str(tmp_path / "trunkline.yaml")),
        ("ENV", "prod"),
    ):
        monkeypatch.setenv(f"TRUNKLINE_{name}", value)
    return made


@pytest.fixture
def vendor() -> Iterator[SimulatorProcess]:
    with running_simulator() as running:
        yield running


def said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str, value: str = ""
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "stdin", io.StringIO(value))
    code = run(["secrets", *arguments])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


@pytest.mark.row("S3")
def test_a_rotation_is_begun_shown_and_undone(
    state: State, monkeypatch: Any, capsys: Any, tmp_path: Path
) -> None:
    file = tmp_path / "new"
    file.write_text(NEW + "\n")
    code, _, err = said(monkeypatch, capsys, "rotate", "STRIPE", "--from", str(file), "--hold")
    assert code == 0
    assert "version 2 is stored and not used yet" in err
    assert "Trunkline is not running here; the rotation goes on as soon as it is." in err
    code, out, _ = said(monkeypatch, capsys, "rotate", "STRIPE", "--status", "--json")
    told = json.loads(out)
    assert (code, told["state"], told["hold"]) == (0, "added", True)
    assert NEW not in out
    code, _, err = said(monkeypatch, capsys, "rotate", "STRIPE", "--promote")
    assert (code, "is not proved" in err) == (1, True)
    code, _, err = said(monkeypatch, capsys, "set", "STRIPE", value="x-not-real")
    assert (code, "is under way" in err) == (2, True)
    code, out, _ = said(monkeypatch, capsys, "rotate", "STRIPE", "--promote", "--unverified", "--json")
    assert json.loads(out)["state"] == "promoted"
    code, _, err = said(monkeypatch, capsys, "rotate", "STRIPE", "--rollback")
    assert (code, "version 1 serves again" in err) == (0, True)
    code, _, err = said(monkeypatch, capsys, "rotate", "STRIPE", "--finish")
    assert (code, "There is no rotation of STRIPE under way" in err) == (1, True)


@pytest.mark.row("R9", "S3")
def test_a_key_of_the_wrong_kind_is_refused_before_it_is_stored(
    state: State, monkeypatch: Any, capsys: Any
) -> None:
    code, _, err = said(monkeypatch, capsys, "rotate", "STRIPE", value="sk_test_notarealkey0000")
    assert (code, "A sandbox key of Stripe is set in prod" in err) == (1, True)
    assert "notarealkey" not in err
    assert len(secrets.versions(state, "STRIPE")) == 1


@pytest.mark.parametrize(
    ("arguments", "value", "code", "says"),
    [
        (["rotate", "NOBODY"], NEW, 1, "no secret 'NOBODY'"),
        (["rotate", "STRIPE"], "", 1, "is empty"),
        (["rotate", "STRIPE"], OLD, 1, "has already"),
        (["rotate", "STRIPE", "--quiet", "soon"], NEW, 2, "no length of time"),
        (["rotate", "STRIPE", "--from", "/nonexistent"], "", 2, "cannot be read"),
        (["rotate", "STRIPE", "--status"], "", 1, "There was no rotation"),
        (["rotate", "STRIPE", "--wait"], NEW, 7, "not running"),
        (["impact", "NOBODY"], "", 1, "Nothing knows 'NOBODY'"),
        (
            ["impact", "stripe"],
            "",
            1,
            "'stripe' is an integration; name its credential instead: store:STRIPE.",
        ),
    ],
)
def test_what_cannot_be_done_is_said(
    state: State, monkeypatch: Any, capsys: Any, arguments: list[str], value: str, code: int, says: str
) -> None:
    got, _, err = said(monkeypatch, capsys, *arguments, value=value)
    assert (got, says in err) == (code, True), err
    assert NEW not in err


@pytest.mark.row("S5")
def test_impact_in_words_and_as_json(state: State, monkeypatch: Any, capsys: Any) -> None:
    code, _, err = said(monkeypatch, capsys, "impact", "STRIPE")
    assert code == 0
    assert "store:STRIPE: 0 attempts since" in err
    assert "stripe (enhancement, owner pay@example.com) fails: no fallback." in err
    rotations.begin(state, "STRIPE", NEW)
    code, out, _ = said(monkeypatch, capsys, "impact", "store:STRIPE", "--json")
    told = json.loads(out)
    assert (told["verdict"], told["rotation"], told["integrations"][0]["alone"]) == (
        "declared",
        "added",
        True,
    )
    secrets.set_secret(state, "SPARE", "spare-not-real")
    code, _, err = said(monkeypatch, capsys, "impact", "SPARE")
    assert "Nothing uses store:SPARE" in err


@pytest.mark.row("S3")
def test_a_credential_is_proved_with_a_free_call(
    state: State, monkeypatch: Any, capsys: Any, tmp_path: Path, vendor: SimulatorProcess
) -> None:
    registry = tmp_path / "trunkline.yaml"
    registry.write_text(
        f"version: 1\nintegrations:\n  openai: {{base_url: '{vendor.address()}/openai', secret: store:OPENAI}}\n"
        f"  crm: {{base_url: '{vendor.address()}/crm', secret: store:STRIPE}}\n"
    )
    secrets.set_secret(state, "OPENAI", OLD)
    secrets.set_secret(state, "OPENAI", NEW)
    vendor.accept("openai", NEW)
    code, out, _ = said(monkeypatch, capsys, "verify", "OPENAI", "--json")
    assert (code, json.loads(out)) == (
        0,
        [{"integration": "openai", "ok": True, "said": "GET /v1/models answered 200"}],
    )
    code, out, _ = said(monkeypatch, capsys, "verify", "OPENAI", "--version", "1", "--json")
    assert (code, json.loads(out)[0]["ok"]) == (5, False)
    code, out, _ = said(monkeypatch, capsys, "verify", "STRIPE", "--json")
    assert (code, json.loads(out)[0]["ok"]) == (7, None)
    code, _, err = said(monkeypatch, capsys, "verify", "store:NOBODY", "--at", "openai")
    assert (code, "no secret of this name" in err) == (7, True)
    code, _, err = said(monkeypatch, capsys, "verify", "env:PATH")
    assert (code, "--at INTEGRATION" in err) == (2, True)
