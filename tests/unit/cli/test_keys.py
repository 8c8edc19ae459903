"""`trunkline keys`."""

import pytest

CREATE = (
    "keys",
    "create",
    "--name",
    "web",
    "--team",
    "shop",
    "--scope",
    "integration:stripe",
    "--scope",
    "model:*",
)


@pytest.mark.row("W1")
def test_the_json_of_a_new_key_has_exactly_the_promised_fields(trunkline):
    ran = trunkline(*CREATE, "--kind", "sdk", "--expires", "90d", "--json")
    assert ran.code == 0
    assert ran.json.keys() == {"id", "name", "key", "kind", "expires_at"}
    assert (ran.json["name"], ran.json["kind"], ran.json["key"][:3]) == ("web", "sdk", "tl_")
    assert ran.json["expires_at"].endswith("Z")
    assert "no rate limit and no budget" in ran.err


def test_without_json_only_the_key_stands_on_stdout(trunkline):
    ran = trunkline(*CREATE)
    assert ran.out.startswith("tl_")
    assert len(ran.out.splitlines()) == 1
    assert "shown this once" in ran.err
    assert trunkline(*CREATE, "--json").json["expires_at"] is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--rate", "ten"], "must be a number and a period, e.g. 600/1m or 10/s"),
        (["--rate", "0/1m"], "must be a number and a period"),
        (["--rate", "5/year"], "is no length of time"),
        (["--concurrency", "0"], "must be a number from 1 on, or none"),
        (["--expires", "someday"], "is no time; write e.g. 90d"),
        (["--expires", "2001-01-01"], "lies in the past"),
        (["--scope", "everything"], "names no kind"),
        (["--kind", "robot"], "is not one of"),
        (["--lane", "fast"], "is not one of"),
        (["--budget-usd", "50"], "must be an amount and day or month, e.g. 50/month or 2.50/day, or none"),
        (["--budget-usd", "0/day"], "must be an amount and day or month"),
        (["--budget-usd", "-1/day"], "must be an amount and day or month"),
        (["--budget-usd", "5/week"], "must be an amount and day or month"),
        (["--budget-usd", "1e9/day"], "must be an amount and day or month"),
        (["--budget-usd", "900000000000/day"], "--budget-usd 9e+11: must be more than 0 and at most 1e+09"),
    ],
)
def test_wrong_values_are_usage_errors(trunkline, given, said):
    ran = trunkline(*CREATE, *given)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


@pytest.mark.row("W1")
def test_limits_are_shown_as_they_were_given(trunkline):
    made = trunkline(
        *CREATE, "--rate", "600/1m", "--concurrency", "none", "--ip", "10.0.0.0/8", "--json"
    ).json
    shown = trunkline("keys", "show", made["id"], "--json").json
    assert (shown["rate"], shown["concurrency"], shown["ips"], shown["state"]) == (
        "600/60s",
        None,
        ["10.0.0.0/8"],
        "live",
    )


@pytest.mark.row("O2", "F9")
def test_lane_and_budget_are_set_and_listed(trunkline):
    trunkline("teams", "create", "shop")
    ran = trunkline(*CREATE, "--lane", "pipeline", "--budget-usd", "2.50/day", "--expires", "9d", "--json")
    assert ran.err == ""
    trunkline("keys", "create", "--name", "plain", "--scope", "*", "--json")
    listed = trunkline("keys", "list", "--json").json
    assert [(key["name"], key["lane"], key["budget"]) for key in listed] == [
        ("web", "pipeline", "2.5/day"),
        ("plain", "interactive", None),
    ]


@pytest.mark.row("O2", "F9")
def test_an_update_changes_what_is_named_and_nothing_else(trunkline):
    made = trunkline(
        *CREATE, "--rate", "600/1m", "--feature", "chat", "--expires", "2099-01-01", "--json"
    ).json
    before = trunkline("keys", "show", "web", "--json").json
    ran = trunkline("keys", "update", "web", "--lane", "batch", "--budget-usd", "50/month", "--rate", "none",
                    "--scope", "model:openai/*", "--feature", "", "--json")  # fmt: skip
    after = {"lane": "batch", "budget": "50/month", "rate": None, "scopes": ["model:openai/*"], "feature": ""}
    assert ran.json == before | after
    assert trunkline("keys", "show", made["id"], "--json").json == before | after
    assert (
        trunkline("keys", "update", "web", "--budget-usd", "none").err == f"web ({made['id']}) is changed.\n"
    )
    assert trunkline("keys", "show", "web", "--json").json["budget"] is None


def test_an_update_of_nothing_says_what_could_be(trunkline):
    trunkline(*CREATE)
    ran = trunkline("keys", "update", "web")
    assert (ran.code, ran.out) == (2, "")
    assert "Nothing to change was given" in ran.err


def test_a_revoked_key_leaves_the_list_and_stays_with_all(trunkline):
    made = trunkline(*CREATE, "--json").json
    assert [key["id"] for key in trunkline("keys", "list", "--json").json] == [made["id"]]
    assert trunkline("keys", "revoke", "web", "--json").json["state"] == "revoked"
    assert trunkline("keys", "list", "--json").json == []
    assert trunkline("keys", "list").err.startswith("No keys yet.")
    assert [key["state"] for key in trunkline("keys", "list", "--all", "--json").json] == ["revoked"]


def test_a_rotation_prints_a_new_key_of_the_same_id(trunkline):
    made = trunkline(*CREATE, "--json").json
    turned = trunkline("keys", "rotate", "web", "--overlap", "1h", "--json").json
    assert turned["id"] == made["id"]
    assert turned["key"] != made["key"]
    assert trunkline("keys", "show", "web", "--json").json["versions"] == 2


def test_the_list_never_shows_a_key(trunkline):
    made = trunkline(*CREATE, "--json").json
    for arguments in (["keys", "list"], ["keys", "list", "--json"], ["keys", "show", "web"]):
        ran = trunkline(*arguments)
        assert "web" in ran.out
        assert made["key"] not in ran.out + ran.err


def test_the_state_folder_may_be_named_before_or_after_the_command(trunkline, tmp_path):
    trunkline("--state-dir", "one", *CREATE)
    trunkline(*CREATE, "--state-dir", "two")
    assert (tmp_path / "one" / "control.db").exists()
    assert (tmp_path / "two" / "control.db").exists()
    assert not (tmp_path / ".trunkline").exists()


@pytest.mark.row("S4")
def test_a_key_revoked_now_also_stands_in_the_kills_file(trunkline, tmp_path):
    made = trunkline(*CREATE, "--json").json
    assert trunkline("keys", "revoke", "web", "--now").code == 0
    assert made["id"] in (tmp_path / ".trunkline" / "kills").read_text()


def test_the_help_of_create_lists_a_scope_a_line(trunkline):
    ran = trunkline("keys", "create", "--help")
    assert "\\b" not in ran.out
    assert "\n  health:read, metrics:read     what they say\n" in ran.out.replace("\n    ", "\n  ")
