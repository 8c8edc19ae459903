"""`trunkline secrets import`."""

from __future__ import annotations

import pytest

from tests.unit.ops.scan.made import value


@pytest.fixture
def env(tmp_path, trunkline):
    """An env file with two credentials and two other variables."""
    (tmp_path / ".env").write_text(
        f"OPENAI_API_KEY={value('OPENAI')}\nSTRIPE_SECRET_KEY='{value('STRIPE_LIVE')}'\nPORT=3000\nGROQ_API_KEY=changeme\n"
    )
    (tmp_path / "pay.py").write_text(f'import stripe\nstripe.api_key = "{value("STRIPE_LIVE")}"\n')


def outcomes(ran):
    return {row["name"]: row["outcome"] for row in ran.json}


@pytest.mark.row("R6", "S1", "S2")
def test_every_credential_of_a_file_goes_into_the_store_unseen(trunkline, env):
    ran = trunkline("secrets", "import", ".env")
    listed = trunkline("secrets", "list", "--json")

    assert (ran.code, [row["name"] for row in listed.json]) == (0, ["OPENAI_API_KEY", "STRIPE_SECRET_KEY"])
    assert value("OPENAI") not in ran.out + ran.err + listed.out
    assert listed.json[0]["last4"] == value("OPENAI")[-4:]


def test_what_the_store_has_is_left_as_it_is_and_another_value_is_a_version(trunkline, env, tmp_path):
    trunkline("secrets", "import", ".env")
    again = trunkline("secrets", "import", ".env", "--json")
    (tmp_path / ".env").write_text(f"OPENAI_API_KEY={value('OPENAI', 2)}\n")
    other = trunkline("secrets", "import", ".env", "--json")

    assert set(outcomes(again).values()) == {"unchanged: the store has it"}
    assert outcomes(other) == {"OPENAI_API_KEY": "stored, version 2"}


def test_one_name_under_another_and_a_line_of_code(trunkline, env):
    named = trunkline(
        "secrets", "import", ".env", "--only", "STRIPE_SECRET_KEY", "--as", "PAYMENTS", "--json"
    )
    coded = trunkline("secrets", "import", "pay.py", "--line", "2", "--as", "FROM_CODE", "--json")
    fingerprints = {row["fingerprint"] for row in trunkline("secrets", "list", "--json").json}

    assert (outcomes(named), outcomes(coded)) == (
        {"PAYMENTS": "stored, version 1"},
        {"FROM_CODE": "stored, version 1"},
    )
    assert len(fingerprints) == 1


def test_a_dry_run_stores_nothing_and_makes_no_installation(trunkline, env, tmp_path):
    ran = trunkline("secrets", "import", ".env", "--dry-run", "--json")

    assert set(outcomes(ran).values()) == {"would be stored"}
    assert not (tmp_path / ".trunkline").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["none.env"], 2, "none.env"),
        ([".env", "--only", "OPENAI_API_KY"], 1, "Did you mean 'OPENAI_API_KEY'?"),
        ([".env", "--only", "GROQ_API_KEY"], 1, "is a placeholder"),
        ([".env", "--only", "PORT"], 1, "trunkline secrets set PORT"),
        ([".env", "--as", "X"], 2, "--only"),
        ([".env", "--only", "OPENAI_API_KEY", "--line", "1"], 2, "not both"),
        (["pay.py", "--line", "1"], 1, "pay.py:1 holds nothing"),
        (["pay.py"], 1, "--line N"),
    ],
)
def test_what_cannot_be_imported_is_said_with_the_cure_and_stores_nothing(
    trunkline, env, arguments, code, said
):
    ran = trunkline("secrets", "import", *arguments)

    assert (ran.code, said in ran.err) == (code, True), ran.err
    assert trunkline("secrets", "list", "--json").json == []
