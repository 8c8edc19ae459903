"""What is wrong in a project, seen from its registry; the baseline; SARIF."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trunkline.ops.scan import baseline, gather, judge, plan, plan_text, sarif, services, vendors
from trunkline.ops.scan.judge import RULES, Declared, Problem

from .made import value

NOTHING = Declared(known=False)


@pytest.fixture(scope="module")
def known() -> vendors.Vendors:
    return vendors.load()


def problems(
    folder: Path,
    known: vendors.Vendors,
    files: dict[str, str],
    declared: Declared = NOTHING,
    salt: bytes = b"s" * 32,
) -> list[Problem]:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    look = gather.look(folder, vendors=known, salt=salt)
    found = services.services_of(look.found, known)
    return judge.problems_of(look.found, found, plan.sites_of(look, found, known, ""), declared)


def shown(found: list[Problem]) -> list[tuple[str, str, str]]:
    return [(one.rule, one.severity, str(one.place)) for one in found]


@pytest.mark.row("R6")
def test_values_in_code_settings_and_ci_are_critical_and_sandbox_keys_milder(
    tmp_path: Path, known: vendors.Vendors
) -> None:
    found = problems(
        tmp_path,
        known,
        {
            "pay.py": f'stripe.api_key = "{value("STRIPE_LIVE")}"\n',
            "dev.py": f'stripe.api_key = "{value("STRIPE_TEST")}"\n',
            ".github/workflows/d.yml": f"env:\n  TOKEN: {value('GITHUB')}\n",
            "tests/test_pay.py": f'key = "{value("STRIPE_LIVE", 2)}"\nmark_token = "{value("HEX")}"\n',
            "docs/a.py": f'key = "{value("STRIPE_LIVE", 3)}"\n',
        },
    )

    assert shown(found) == [
        ("hardcoded-credential", "critical", ".github/workflows/d.yml:2"),
        ("hardcoded-credential", "critical", "pay.py:1"),
        ("hardcoded-credential", "warning", "dev.py:1"),
        ("hardcoded-credential", "warning", "tests/test_pay.py:1"),
    ]


@pytest.mark.row("R6")
def test_one_value_in_several_files_is_one_problem_that_names_them_all(
    tmp_path: Path, known: vendors.Vendors
) -> None:
    key = value("OPENAI")
    found = problems(
        tmp_path,
        known,
        {
            ".gitignore": ".env*\n",
            ".env": f"OPENAI_API_KEY={key}\n",
            ".env.prod": f"LLM_KEY={key}\nOTHER_TOKEN={value('HEX')}\n",
            "a.py": f'K = "{key}"\n',
        },
    )
    scattered = [one for one in found if one.rule == "scattered-credential"]

    assert [(str(one.place), [str(place) for place in one.others], one.integration) for one in scattered] == [
        (".env:1", [".env.prod:1", "a.py:1"], "openai")
    ]
    assert key not in scattered[0].message


def test_a_credential_in_an_ignored_env_file_is_a_note_and_in_a_committed_one_a_problem(
    tmp_path: Path, known: vendors.Vendors
) -> None:
    env = {".env": f"OPENAI_API_KEY={value('OPENAI')}\nSECRET_KEY={value('HEX')}\n"}
    committed = problems(tmp_path, known, env)
    ignored = problems(tmp_path, known, {".gitignore": ".env\n"})

    assert shown(committed) == [
        ("hardcoded-credential", "critical", ".env:1"),
        ("hardcoded-credential", "critical", ".env:2"),
    ]
    assert shown(ignored) == [("stray-credential", "info", ".env:1")]


def test_a_secret_for_browsers(tmp_path: Path, known: vendors.Vendors) -> None:
    found = problems(
        tmp_path,
        known,
        {".env.example": "NEXT_PUBLIC_OPENAI_API_KEY=\nNEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY=\n"},
    )
    assert shown(found) == [("browser-credential", "critical", ".env.example:1")]


CODE = """import requests
from openai import OpenAI
a = OpenAI()
b = OpenAI(base_url=os.environ["TRUNKLINE_URL"])
requests.get("https://api.things.io/v1")
requests.get("https://api.other.io/v1")
requests.get("https://files.allowed.io/v1")
"""


@pytest.mark.row("R6", "R7")
def test_undeclared_hosts_and_calls_past_the_proxy(tmp_path: Path, known: vendors.Vendors) -> None:
    declared = judge.declared_of(
        {"openai": ["https://api.openai.com"], "things": ["https://api.things.io"]},
        {"openai": "openai"},
        ["*.allowed.io"],
    )
    found = problems(tmp_path, known, {"a.py": CODE}, declared)

    assert [(one.rule, str(one.place), one.subject) for one in found] == [
        ("bypass", "a.py:3", "openai"),
        ("bypass", "a.py:5", "things"),
        ("undeclared-host", "a.py:6", "api.other.io"),
    ]


def test_without_a_registry_only_credentials_are_judged(tmp_path: Path, known: vendors.Vendors) -> None:
    assert problems(tmp_path, known, {"a.py": CODE}) == []


def test_an_integration_of_another_name_declares_its_host(tmp_path: Path, known: vendors.Vendors) -> None:
    declared = judge.declared_of(
        {
            "llm": ["https://api.openai.com"],
            "things": ["https://api.things.io"],
            "o": ["https://api.other.io"],
            "f": ["https://files.allowed.io"],
        },
        {"openai": "llm"},
        [],
    )
    assert {one.rule for one in problems(tmp_path, known, {"a.py": CODE}, declared)} == {"bypass"}


def test_the_baseline_knows_what_was_there_wherever_it_has_moved(
    tmp_path: Path, known: vendors.Vendors
) -> None:
    salt = baseline.new_salt()
    first = problems(tmp_path, known, {"a.py": f'K = "{value("OPENAI")}"\n'}, salt=salt)
    file = tmp_path / "baseline.json"
    file.write_text(baseline.text_of(first, salt))
    there = baseline.read(file)
    later = problems(
        tmp_path,
        known,
        {"a.py": f'\n\n# more\nK = "{value("OPENAI")}"\nL = "{value("OPENAI", 2)}"\n'},
        salt=bytes.fromhex(there.salt),
    )

    assert [(str(one.place), one.known) for one in baseline.marked(later, there)] == [
        ("a.py:4", True),
        ("a.py:5", False),
    ]
    assert value("OPENAI") not in file.read_text()
    assert baseline.gone([], there) == there.problems


def test_another_value_in_the_place_of_a_known_one_is_new(tmp_path: Path, known: vendors.Vendors) -> None:
    salt = baseline.new_salt()
    first = problems(tmp_path, known, {"a.py": f'K = "{value("OPENAI")}"\n'}, salt=salt)
    later = problems(tmp_path, known, {"a.py": f'K = "{value("OPENAI", 2)}"\n'}, salt=salt)

    assert first[0].id != later[0].id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"version": 2, "salt": "", "problems": []}',
        '{"version": 1, "salt": "xyz", "problems": []}',
        "not json",
    ],
)
def test_a_file_that_is_no_baseline_is_refused_with_the_cure(text: str, tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text(text)
    with pytest.raises(baseline.BaselineInvalid, match="--write-baseline"):
        baseline.read(tmp_path / "b.json")
    with pytest.raises(baseline.BaselineInvalid, match="There is no baseline"):
        baseline.read(tmp_path / "none.json")


def test_sarif_has_what_the_standard_asks_for(tmp_path: Path, known: vendors.Vendors) -> None:
    """The required properties of SARIF 2.1.0 (OASIS, section 3), and that every reference inside it leads somewhere."""
    key = value("OPENAI")
    found = problems(tmp_path, known, {"a b.py": f'K = "{key}"\n', "c.py": f'K = "{key}"\n'})
    log = json.loads(json.dumps(sarif.log(found, version="1.2.3", with_baseline=True)))
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]

    assert (
        log["version"],
        log["$schema"].endswith("sarif-schema-2.1.0.json"),
        run["tool"]["driver"]["name"],
    ) == ("2.1.0", True, "trunkline-scan")
    assert [rule["id"] for rule in rules] == [f"scan.{name}" for name in RULES]
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert len(run["results"]) == len(found) == 3
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("none", "note", "warning", "error")
        assert result["baselineState"] in ("new", "unchanged", "updated", "absent")
        assert result["message"]["text"]
        (location,) = result["locations"]
        assert location["physicalLocation"]["artifactLocation"]["uriBaseId"] in run["originalUriBaseIds"]
        assert location["physicalLocation"]["region"]["startLine"] >= 1
        assert " " not in location["physicalLocation"]["artifactLocation"]["uri"]
    assert len({result["partialFingerprints"]["trunklineScan/v1"] for result in run["results"]}) == 3
    assert "baselineState" not in sarif.log(found, version="1", with_baseline=False)["runs"][0]["results"][0]


@pytest.mark.row("R6")
def test_keys_that_were_pasted_into_prose_are_found_but_no_sandbox_keys_of_manuals(
    tmp_path: Path, known: vendors.Vendors
) -> None:
    found = problems(
        tmp_path,
        known,
        {
            "docs/from-the-chat.md": f"> jo: the new key is {value('OPENAI')}, the old one ran out\n",
            "README.md": f"Try it:\n\n    curl -u {value('STRIPE_TEST')}: https://api.stripe.com\n    token: {value('HEX')}\n",
            "notes.txt": "sk-proj-your-key-here\n",
        },
    )

    assert shown(found) == [("hardcoded-credential", "warning", "docs/from-the-chat.md:1")]


def test_a_further_key_in_code_is_not_moved_but_revoked(tmp_path: Path, known: vendors.Vendors) -> None:
    (tmp_path / ".env").write_text(f"OPENAI_API_KEY={value('OPENAI')}\n")
    old = f'api_key=os.environ.get("OPENAI_API_KEY", "{value("OPENAI", 2)}")'
    (tmp_path / "ask.py").write_text(f"import os\nfrom openai import OpenAI\nclient = OpenAI({old})\n")
    look = gather.look(tmp_path, vendors=known)
    made = plan.made(
        look, services.services_of(look.found, known), known, registry="trunkline.yaml", proxy_url="http://x"
    )
    text = plan_text.markdown(made)

    assert [(move.name, move.spare) for move in made.moves] == [("OPENAI_API_KEY", False), ("api_key", True)]
    assert "--as api_key" not in text
    assert "`ask.py:3` (openai). Nothing needs them" in text


def test_a_key_to_trunkline_is_no_vendors_and_may_lie_in_an_ignored_env_file(
    tmp_path: Path, known: vendors.Vendors
) -> None:
    key = f"TRUNKLINE_KEY=tl_{value('GITHUB')[4:]}\n"
    found = problems(tmp_path, known, {".gitignore": ".env.local\n", ".env.local": key})
    committed = problems(tmp_path, known, {".env": key})
    look = gather.look(tmp_path, vendors=known)

    assert found == []
    assert shown(committed)[0] == ("hardcoded-credential", "critical", ".env:1")
    assert services.services_of(look.found, known) == []
