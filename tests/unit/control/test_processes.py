"""What processes may have: published apart from what the gateway gets, kept when a store is down, handed out audited."""

from __future__ import annotations

import pytest

from trunkline.control import audit, kills, processes, published, secrets
from trunkline.control.processes import ProcessProblem, ProcessSpec
from trunkline.control.reload import Compiler
from trunkline.control.state import State
from trunkline.settings import Settings

pytestmark = pytest.mark.row("S6")
WEB = ProcessSpec(name="web", env={"TOKEN": "store:CRM", "URL": "env:URL"})
VALUES = {"store:CRM": "crm-not-real", "env:URL": "url-not-real"}


def test_a_process_gets_what_is_declared_and_no_more(state: State) -> None:
    processes.publish(state, [WEB], {**VALUES, "store:OTHER": "other-not-real"}, {})
    handed = processes.handed(state, processes.find(state, ""), actor="t")
    assert handed.env == {"TOKEN": "crm-not-real", "URL": "url-not-real"}
    assert "not-real" not in repr(handed)
    assert {(row["action"], row["subject"]) for row in audit.entries(state)} == {
        ("secret.fetch", ref) for ref in VALUES
    }
    assert not any(b"not-real" in path.read_bytes() for path in state.path.rglob("*") if path.is_file())


def test_its_version_changes_when_a_value_does(state: State) -> None:
    processes.publish(state, [WEB], VALUES, {})
    before = processes.version(state, WEB)
    processes.publish(state, [WEB], VALUES, {})
    assert processes.version(state, WEB) == before
    processes.publish(state, [WEB], {**VALUES, "store:CRM": "crm-2-not-real"}, {})
    assert processes.version(state, WEB) != before


def test_a_value_that_resolved_before_is_kept_unless_a_person_took_it(state: State) -> None:
    processes.publish(state, [WEB], VALUES, {})
    processes.publish(state, [WEB], {"env:URL": "url-not-real"}, {"store:CRM": "away. Wait."})
    assert processes.handed(state, WEB, actor="t").env["TOKEN"] == "crm-not-real"
    processes.publish(
        state,
        [WEB],
        {"env:URL": "url-not-real"},
        {"store:CRM": "removed. Set it."},
        lost=frozenset({"store:CRM"}),
    )
    with pytest.raises(ProcessProblem, match=r"TOKEN \(store:CRM\): removed. Set it."):
        processes.handed(state, WEB, actor="t")


def test_a_revoked_credential_is_not_handed_out(state: State) -> None:
    processes.publish(state, [WEB], VALUES, {})
    kills.append(state, "credential", "store:CRM")
    with pytest.raises(ProcessProblem, match="store:CRM"):
        processes.handed(state, WEB, actor="t")


def test_a_new_master_key_seals_it_anew(state: State) -> None:
    secrets.set_secret(state, "CRM", "crm-not-real")
    processes.publish(state, [WEB], VALUES, {})
    secrets.rotate_master(state)
    assert processes.handed(state, WEB, actor="t").env["URL"] == "url-not-real"


def test_the_registry_drives_it_and_the_gateway_never_sees_it(state: State, tmp_path) -> None:
    secrets.set_secret(state, "CRM", "crm-not-real")
    file = tmp_path / "trunkline.yaml"
    file.write_text(
        "version: 1\nintegrations: {}\nprocesses: {web: {env: {TOKEN: store:CRM}, on_rotate: SIGHUP, owner: ops}}\n"
    )
    compiler = Compiler(state, Settings(config=str(file), env="prod"), {})
    assert compiler.run(first=True).ok
    found = processes.find(state, "web")
    assert (found.on_rotate, found.owner) == ("SIGHUP", "ops")
    assert processes.handed(state, found, actor="t").env == {"TOKEN": "crm-not-real"}
    sealed = published.read_sealed(state, state.master_key())
    assert sealed is not None
    assert sealed.values == {}
    file.write_text("version: 1\nintegrations: {}\n")
    assert compiler.run(first=False).ok
    with pytest.raises(ProcessProblem, match="declares no process"):
        processes.find(state, "web")
