"""`trunkline scan`."""

from __future__ import annotations

import json

import pytest

from tests.unit.ops.scan.made import make, value


@pytest.fixture
def project(tmp_path, trunkline):
    """The small Flask project in the folder in which commands run, with its registry; answers its made-up credentials."""
    _, values = make("flask", tmp_path)
    trunkline("init")
    return values


@pytest.mark.row("R6")
def test_problems_are_shown_with_their_places_and_cures(trunkline, project):
    ran = trunkline("scan")

    assert ran.code == 1
    lines = ran.out.splitlines()
    assert lines[0] == (
        "shop/pay.py:3: critical[scan.hardcoded-credential] A live key of stripe, stripe.api_key, "
        f"(ends in {value('STRIPE_LIVE')[-4:]}) stands here."
    )
    assert any(
        line.startswith(".env:3: warning[scan.scattered-credential] ") and "shop/pay.py:3" in line
        for line in lines
    )
    assert any(line.startswith("shop/ai.py:5: warning[scan.bypass] ") for line in lines)
    assert "trunkline secrets import" in ran.err


@pytest.mark.row("S1")
def test_no_value_is_shown_in_any_form(trunkline, project, tmp_path):
    said = "".join(
        ran.out + ran.err
        for ran in (
            trunkline("scan"),
            trunkline("scan", "--json"),
            trunkline("scan", "--sarif"),
            trunkline("scan", "--write-baseline", "b.json"),
        )
    )
    assert [one for one in project if one in said + (tmp_path / "b.json").read_text()] == []


def test_json_and_sarif(trunkline, project):
    shown = trunkline("scan", "--json")
    log = trunkline("scan", "--sarif")

    assert (shown.code, log.code) == (1, 1)
    assert {one["rule"] for one in shown.json["problems"]} >= {
        "hardcoded-credential",
        "scattered-credential",
        "bypass",
    }
    assert (shown.json["registry"], shown.json["stopped"]) == (True, None)
    assert len(log.json["runs"][0]["results"]) == len(shown.json["problems"])


def test_what_the_baseline_knows_fails_no_build_and_what_is_new_does(trunkline, project, tmp_path):
    wrote = trunkline("scan", "--write-baseline", "b.json")
    known = trunkline("scan", "--baseline", "b.json")
    (tmp_path / "shop/new.py").write_text("import requests\nrequests.get('https://api.newcomer.io/v1')\n")
    new = trunkline("scan", "--baseline", "b.json", "--json")
    everything = trunkline("scan", "--baseline", "b.json", "--all")

    assert (wrote.code, known.code, known.out) == (0, 0, "")
    assert "No problems (" in known.err
    assert (new.code, [one["subject"] for one in new.json["problems"]]) == (1, ["api.newcomer.io"])
    assert everything.out.count("(known)") == len(json.loads((tmp_path / "b.json").read_text())["problems"])


def test_what_is_gone_is_said(trunkline, project, tmp_path):
    trunkline("scan", "--write-baseline", "b.json")
    (tmp_path / "shop/pay.py").unlink()

    assert "of the baseline are gone" in trunkline("scan", "--baseline", "b.json").err


def test_a_clean_project_passes(trunkline, tmp_path):
    (tmp_path / "a.py").write_text("print(1)\n")
    ran = trunkline("scan")
    assert (ran.code, ran.out) == (0, "")
    assert "There is no registry trunkline.yaml" in ran.err


def test_notes_alone_fail_no_build(trunkline, tmp_path):
    (tmp_path / ".gitignore").write_text(".env\n")
    (tmp_path / ".env").write_text(f"OPENAI_API_KEY={value('OPENAI')}\n")
    ran = trunkline("scan")
    assert (ran.code, ran.out.count("info[scan.stray-credential]")) == (0, 1)


def test_reading_that_ended_early_never_passes(trunkline, project):
    assert trunkline("scan", "--max-files", "1").code == 1


@pytest.mark.parametrize(
    ("arguments", "code"), [(["--baseline", "none.json"], 3), (["--json", "--sarif"], 2), (["nowhere"], 2)]
)
def test_wrong_use_is_said(trunkline, arguments, code):
    assert trunkline("scan", *arguments).code == code


def test_an_invalid_registry_is_said(trunkline, project, tmp_path):
    (tmp_path / "trunkline.yaml").write_text("version: 2\n")
    assert trunkline("scan").code == 3


@pytest.mark.row("R6")
def test_problems_become_findings_only_when_asked_and_go_when_they_are_mended(trunkline, project, tmp_path):
    def hardcoded():
        shown = trunkline("findings", "list", "--kind", "scan", "--json").out.splitlines()
        found = [json.loads(line) for line in shown]
        return [one["subject"] for one in found if one["kind"] == "scan.hardcoded-credential"]

    trunkline("scan")
    before = hardcoded()
    trunkline("scan", "--record")
    noted = hardcoded()
    (tmp_path / "shop/pay.py").unlink()
    trunkline("scan", "--record")

    tested = "tests/test_pay.py stripe.api_key"
    assert (before, noted, hardcoded()) == ([], ["shop/pay.py stripe.api_key", tested], [tested])
