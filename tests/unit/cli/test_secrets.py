"""`trunkline secrets`."""

import pytest

VALUE = "sk-test-not-a-real-key-1"


@pytest.mark.row("S2")
def test_a_value_comes_from_stdin_and_is_never_shown(trunkline):
    assert trunkline("secrets", "set", "CRM_TOKEN", "--json", stdin=VALUE + "\n").json == {
        "name": "CRM_TOKEN",
        "version": 1,
    }
    for arguments in (["list"], ["list", "--json"], ["versions", "CRM_TOKEN"]):
        ran = trunkline("secrets", *arguments)
        assert "CRM_TOKEN" in ran.out
        assert VALUE not in ran.out + ran.err
    assert trunkline("secrets", "list", "--json").json[0]["last4"] == "ey-1"


def test_a_value_on_the_command_line_is_refused(trunkline):
    ran = trunkline("secrets", "set", "CRM_TOKEN", VALUE)
    assert ran.code == 2
    assert trunkline("secrets", "list").err.startswith("No secrets yet.")


def test_an_empty_stdin_stores_nothing(trunkline):
    ran = trunkline("secrets", "set", "A", stdin="")
    assert (ran.code, "The value for A is empty; nothing was stored." in ran.err) == (1, True)


def test_versions_revert_and_remove(trunkline):
    for value in ("first-value", "second-value"):
        trunkline("secrets", "set", "A", stdin=value)
    assert trunkline("secrets", "revert", "A", "--json").json == {"name": "A", "version": 1}
    assert [v["current"] for v in trunkline("secrets", "versions", "A", "--json").json] == [True, False]
    assert trunkline("secrets", "remove", "A").code == 0
    assert trunkline("secrets", "list", "--json").json == []


def test_rotating_the_master_key_keeps_the_secrets(trunkline, tmp_path):
    trunkline("secrets", "set", "A", stdin=VALUE)
    before = (tmp_path / ".trunkline" / "master.key").read_bytes()
    assert trunkline("secrets", "rotate-master", "--yes").code == 0
    assert (tmp_path / ".trunkline" / "master.key").read_bytes() != before
    assert trunkline("secrets", "list", "--json").json[0]["version"] == 1
    assert trunkline("secrets", "revert", "A", "1").code == 0


def test_killing_takes_references_only(trunkline):
    assert trunkline("secrets", "kill", "OPENAI_API_KEY").code == 2
    assert trunkline("secrets", "kill", "env:OPENAI_API_KEY").code == 0
    assert trunkline("secrets", "revive", "env:OPENAI_API_KEY").code == 0


def test_a_world_readable_master_key_stops_every_command_with_the_cure(trunkline, tmp_path):
    trunkline("secrets", "set", "A", stdin=VALUE)
    (tmp_path / ".trunkline" / "master.key").chmod(0o644)
    ran = trunkline("secrets", "list")
    assert (ran.code, ran.out) == (3, "")
    assert "is open to every user (mode 0644). Run: chmod 600 .trunkline/master.key" in ran.err
