"""`trunkline init`."""

from __future__ import annotations

import pytest

from tests.unit.ops.scan.made import make, value


@pytest.fixture
def project(tmp_path, trunkline):
    """The small Flask project in the folder in which commands run; answers its made-up credentials."""
    _, values = make("flask", tmp_path)
    return values


@pytest.mark.row("R6")
def test_a_project_gets_a_registry_that_is_valid_and_a_plan(trunkline, project, tmp_path):
    ran = trunkline("init")
    checked = trunkline("check")

    assert ran.code == 0
    assert "Found 10 integrations, 5 credentials to move, 8 places where clients change" in ran.err
    assert "Wrote trunkline.yaml, trunkline-plan.md." in ran.err
    assert (checked.code, "trunkline.yaml (prod) is valid" in checked.err) == (1, True)
    plan = (tmp_path / "trunkline-plan.md").read_text()
    for line in (
        "trunkline secrets import .env --only OPENAI_API_KEY   # openai; .env:2, .env.example:1",
        "trunkline secrets set TRACKPARCELS_API_TOKEN   # trackparcels; .env.example:4",
        '+stripe.api_key = os.environ["TRUNKLINE_KEY"]',
        "- [ ] Which credential does `anthropic` use? None was found.",
    ):
        assert line in plan


@pytest.mark.row("S1")
def test_no_value_is_shown_or_written(trunkline, project, tmp_path):
    said = ""
    for arguments in (["--dry-run"], ["--json"], ["--patch", "clients.patch"], ["--force", "--json"], []):
        ran = trunkline("init", *arguments)
        said += ran.out + ran.err
    written = "".join(
        (tmp_path / name).read_text() for name in ("trunkline.yaml", "trunkline-plan.md", "clients.patch")
    )

    assert [one for one in project if one in said + written] == []


def test_a_dry_run_shows_everything_and_writes_nothing(trunkline, project, tmp_path):
    ran = trunkline("init", "--dry-run")

    assert (ran.code, "--- trunkline.yaml\n" in ran.out, "--- trunkline-plan.md\n" in ran.out) == (
        0,
        True,
        True,
    )
    assert not (tmp_path / "trunkline.yaml").exists()
    assert not (tmp_path / "trunkline-plan.md").exists()


def test_the_plan_as_json(trunkline, project):
    made = trunkline("init", "--json").json

    assert made["written"] == ["trunkline.yaml", "trunkline-plan.md"]
    assert {one["name"] for one in made["plan"]["integrations"]} >= {"openai", "stripe", "trackparcels"}
    openai = next(move for move in made["plan"]["moves"] if move["service"] == "openai")
    assert (openai["name"], openai["reference"], openai["valued"], openai["committed"]) == (
        "OPENAI_API_KEY",
        "store:OPENAI_API_KEY",
        True,
        False,
    )


REGISTRY = "version: 1\nintegrations:\n  # ours\n  openai: {secret: env:OPENAI_API_KEY} # keep\n"


def test_a_registry_that_is_there_is_not_touched_and_the_difference_shown(trunkline, project, tmp_path):
    (tmp_path / "trunkline.yaml").write_text(REGISTRY)
    ran = trunkline("init")

    assert (ran.code, (tmp_path / "trunkline.yaml").read_text()) == (1, REGISTRY)
    assert "+  stripe:" in ran.out
    assert "+  openai:" not in ran.out
    assert "--merge adds the above, --force writes it anew." in ran.err


def test_merge_adds_what_is_missing_and_then_nothing(trunkline, project, tmp_path):
    (tmp_path / "trunkline.yaml").write_text(REGISTRY)
    ran = trunkline("init", "--merge")
    text = (tmp_path / "trunkline.yaml").read_text()
    again = trunkline("init", "--merge")

    assert (ran.code, text.startswith(REGISTRY), "  stripe:" in text) == (0, True, True)
    assert (again.code, "declares everything that was found" in again.err) == (0, True)
    assert (tmp_path / "trunkline.yaml").read_text() == text


def test_force_writes_anew(trunkline, project, tmp_path):
    (tmp_path / "trunkline.yaml").write_text(REGISTRY)
    assert trunkline("init", "--force").code == 0
    assert "# ours" not in (tmp_path / "trunkline.yaml").read_text()


def test_a_broken_registry_is_not_merged_into(trunkline, project, tmp_path):
    (tmp_path / "trunkline.yaml").write_text("version: 1\nintegrations: [")
    assert trunkline("init", "--merge").code == 3


def test_another_folder_and_another_address(trunkline, tmp_path):
    make("next", tmp_path / "site")
    ran = trunkline("init", "site", "--proxy-url", "https://trunkline.internal.net/", "--plan", "plan.md")

    assert (ran.code, (tmp_path / "site/trunkline.yaml").exists()) == (0, True)
    assert "https://trunkline.internal.net/api/proxy/groq/openai/v1" in (tmp_path / "plan.md").read_text()


def test_a_project_that_calls_nothing_gets_nothing(trunkline, tmp_path):
    ran = trunkline("init")
    assert (ran.code, "No call to an external API was found" in ran.err) == (0, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [["--merge", "--force"], ["nowhere"], ["--max-seconds", "0"], ["--max-files", "-1"], ["a", "b"]],
)
def test_wrong_use_is_said(trunkline, arguments):
    assert trunkline("init", *arguments).code == 2


def test_a_bound_that_is_reached_is_said(trunkline, project):
    ran = trunkline("init", "--max-files", "2")
    assert "Not read: everything after 2 files." in ran.err


def test_the_patch_leaves_out_lines_with_credentials_and_says_which(trunkline, project, tmp_path):
    ran = trunkline("init", "--patch", "clients.patch")

    assert "Left out of the patch, since their lines hold credentials: shop/pay.py:3." in ran.err
    assert value("STRIPE_LIVE") not in (tmp_path / "clients.patch").read_text()
