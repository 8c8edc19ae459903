"""`trunkline check`, and what other commands say of a registry without a running Trunkline."""

from datetime import UTC, datetime

import pytest

GOOD = f"""version: 1
defaults: {{owner: ops@example.com, rotation: {{every: 90d, last: {datetime.now(UTC):%Y-%m-%d}}}}}
integrations:
  openai: {{secret: env:OPENAI_API_KEY, data: [prompts]}}
"""


@pytest.fixture
def registry(tmp_path):
    path = tmp_path / "trunkline.yaml"
    path.write_text(GOOD)
    return path


@pytest.mark.row("R4")
def test_a_good_registry_is_valid_and_a_missing_secret_is_only_told(trunkline, registry):
    ran = trunkline("check", "--json")
    assert (ran.code, ran.json["ok"]) == (0, True)
    assert [f["code"] for f in ran.json["findings"] if f["severity"] != "info"] == []
    [missing] = [f for f in ran.json["findings"] if f["code"] == "secret-missing"]
    assert (missing["severity"], missing["value"], missing["line"]) == ("info", "env:OPENAI_API_KEY", 4)


@pytest.mark.row("R4")
def test_a_finding_of_lint_fails_the_check(trunkline, registry):
    registry.write_text(GOOD.replace("owner: ops@example.com, ", ""))
    ran = trunkline("check")
    assert ran.code == 1
    assert "warning[no-owner] integrations.openai" in ran.out


@pytest.mark.row("R4")
def test_an_invalid_registry_is_told_with_file_and_line(trunkline, registry):
    registry.write_text(GOOD + "  stripe: {secrets: env:X}\n")
    ran = trunkline("check")
    assert ran.code == 3
    assert "trunkline.yaml:5:" in ran.out
    assert ran.err == "trunkline.yaml is invalid.\n"


@pytest.mark.row("S1", "K2")
def test_a_missing_secret_of_a_notice_or_a_refresh_is_told_at_its_place(trunkline, registry):
    registry.write_text(
        GOOD
        + """  crm:
    base_url: https://crm.example.com
    auth: {kind: oauth2, token_url: "https://crm.example.com/token", secret: env:C, grant: refresh_token, refresh: env:R}
notify:
  webhook: https://hooks.example.com/t
  webhook_secret: env:W
"""
    )
    found = [f for f in trunkline("check", "--json").json["findings"] if f["code"] == "secret-missing"]
    assert [(f["item"], f["value"], f["line"]) for f in found] == [
        ("integrations.openai.secret", "env:OPENAI_API_KEY", 4),
        ("integrations.crm.secret", "env:C", 5),
        ("integrations.crm.auth.refresh", "env:R", 5),
        ("notify.webhook_secret", "env:W", 10),
    ]


@pytest.mark.row("R4", "F4", "O2")
def test_faults_and_advice_about_fallbacks_and_budgets_are_printed_with_line_and_cure(trunkline, registry):
    registry.write_text(
        GOOD.replace("]}", "], fallback: [{kind: stale, max_age: 1h}]}") + "budgets: {b: {usd: 5}}\n"
    )
    ran = trunkline("check")
    assert ran.code == 1
    assert "trunkline.yaml:4:" in ran.out
    assert "warning[stale-without-cache] integrations.openai.fallback[0]:" in ran.out
    assert "Add `cache: {ttl: 5m}` to it, or remove this." in ran.out
    registry.write_text(GOOD.replace("]}", "], fallback: [anthropc]}") + "budgets: {b: {usd: 0}}\n")
    ran = trunkline("check")
    assert ran.code == 3
    assert "error[bad-value] budgets.b.usd: 0 is out of range. Give more than 0." in ran.out


def test_checking_makes_no_installation(trunkline, registry, tmp_path):
    trunkline("check")
    trunkline("integrations")
    trunkline("doctor")
    assert not (tmp_path / ".trunkline").exists()


def test_a_key_of_the_wrong_kind_is_an_error_without_the_key(trunkline, registry, monkeypatch):
    registry.write_text(GOOD + "  stripe: {secret: env:STRIPE_SECRET_KEY, data: [payment]}\n")
    key = "sk_test_" + "a1b2c3d4" * 4
    monkeypatch.setenv("STRIPE_SECRET_KEY", key)
    ran = trunkline("check", "--json")
    assert [f["code"] for f in ran.json["findings"] if f["severity"] == "error"] == ["wrong-key-kind"]
    assert key not in ran.out
    assert [
        f["code"]
        for f in trunkline("--env", "dev", "check", "--json").json["findings"]
        if f["severity"] == "error"
    ] == []


def test_integrations_without_a_running_trunkline_come_from_the_registry(trunkline, registry):
    [row] = trunkline("integrations", "--json").json
    assert (row["name"], row["state"], row["secret"], row["owner"]) == (
        "openai",
        "secret missing",
        "0/1 present",
        "ops@example.com",
    )
    assert "the variable OPENAI_API_KEY is not set" in row["problem"]
    assert trunkline("integrations", "show", "openai", "--json").json["settings"]["name"] == "openai"
    ran = trunkline("integrations", "show", "opnai")
    assert (ran.code, ran.err) == (1, "There is no integration 'opnai'. Did you mean 'openai'?\n")


def test_models_are_listed_with_their_prices(trunkline, registry):
    found = trunkline("models", "--json").json["models"]
    assert all(model["id"].startswith("openai/") for model in found)
    assert any(model["input_usd_per_million"] for model in found)
    assert trunkline("models", "--integration", "stripe", "--json").json["models"] == []


def test_nothing_is_running(trunkline, registry, tmp_path):
    (tmp_path / ".trunkline").mkdir()
    for arguments in (["reload"], ["health"], ["call", "openai", "GET", "/v1/models"]):
        ran = trunkline(*arguments)
        assert (
            ran.code,
            "Trunkline is not running on .trunkline. Start it with `trunkline serve`" in ran.err,
        ) == (7, True)


def test_doctor_names_each_finding_with_its_cure(trunkline, registry, tmp_path):
    trunkline("keys", "create", "--name", "x", "--scope", "*")
    state = tmp_path / ".trunkline"
    ran = trunkline("doctor", "--json")
    verdicts = {check["name"]: check["verdict"] for check in ran.json["checks"]}
    assert verdicts["state"] == verdicts["master-key"] == verdicts["audit"] == verdicts["registry"] == "ok"
    state.chmod(0o755)
    (state / "master.key").chmod(0o644)
    ran = trunkline("doctor")
    assert ran.code == 1
    assert "state: Run: chmod 700 .trunkline" in ran.err
    assert "is open to every user" in ran.out


def test_doctor_lists_files_that_run_at_every_start_of_python(tmp_path, monkeypatch):
    from trunkline.control import diagnosis

    (tmp_path / "stealer.pth").write_text("import os; os.environ\n")
    (tmp_path / "paths.pth").write_text("/somewhere\n")
    monkeypatch.setattr(diagnosis.sysconfig, "get_paths", lambda: {"purelib": str(tmp_path)})
    monkeypatch.setattr(diagnosis.site, "getsitepackages", list)
    [check] = diagnosis._pth_files()
    assert (check.verdict, check.text.split()[0]) == ("note", "stealer.pth")
    assert str(tmp_path / "stealer.pth") in check.cure


@pytest.mark.row("H3")
def test_a_command_in_a_runbook_that_does_not_exist_is_a_finding(trunkline, registry, tmp_path):
    registry.write_text(GOOD.replace("data: [prompts]", "data: [prompts], runbook: rb.md"))
    text = "\n".join(f"## {q}\nops@example.com" for q in ("Symptom", "Fallback", "Escalation", "Recovery"))
    (tmp_path / "rb.md").write_text(
        f"Reviewed: 2026-11-01\n{text}\n## Triage\n`trunkline heal` `trunkline health`\n"
    )
    found = [f for f in trunkline("check", "--json").json["findings"] if f["code"].startswith("runbook-c")]
    assert [(f["code"], f["item"], f["line"], f["message"]) for f in found] == [
        (
            "runbook-command",
            "integrations.openai.runbook",
            4,
            "The runbook (rb.md:11): There is no command `trunkline heal`.",
        )
    ]


def test_backup_and_restore(trunkline, registry, tmp_path):
    trunkline("secrets", "set", "A", stdin="a-value-of-it")
    assert trunkline("backup", "b.tar", "--with-master-key").code == 0
    ran = trunkline("restore", "b.tar", "--state-dir", "elsewhere")
    assert ran.code == 0, ran.err
    assert trunkline("secrets", "list", "--json", "--state-dir", "elsewhere").json[0]["name"] == "A"
    assert trunkline("backup", "c.tar").err.endswith(
        "without it the stored secrets in this file cannot be opened.\n"
    )
    ran = trunkline("restore", "c.tar", "--state-dir", "third")
    assert (ran.code, "Give the right one as TRUNKLINE_MASTER_KEY" in ran.err) == (1, True)
