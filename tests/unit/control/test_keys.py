"""Caller keys."""

import re

import msgspec
import pytest

from trunkline.control import audit, keys, keytext, kills, publish
from trunkline.control.keys import Wish
from trunkline.control.published import read_callers
from trunkline.ledger import control_tables

NOW = 1_800_000_000.0


def wish(**given):
    return Wish(**{"name": "web", "team": "shop", "scopes": ["integration:stripe", "model:*"], **given})


def published(state):
    there = read_callers(state)
    assert there is not None
    return there.keys


@pytest.mark.row("W1")
def test_a_new_key_is_shown_once_and_live_at_once(state):
    made = keys.create(state, wish(expires_at=NOW + 90 * 86_400), now=NOW)
    assert (made.name, made.kind, made.expires_at) == ("web", "app", "2027-04-15T08:00:00Z")
    assert keytext.is_whole(made.key)
    [caller] = published(state)
    assert caller.id == made.id
    assert caller.hash == keytext.key_hash(made.key, state.keys["pepper"])
    assert (caller.team, caller.scopes, caller.concurrency, caller.rate) == (
        "shop",
        ["integration:stripe", "model:*"],
        256,
        0,
    )


@pytest.mark.row("W1")
def test_the_key_itself_is_written_nowhere(state):
    made = keys.create(state, wish(), now=NOW)
    everything = b"".join(path.read_bytes() for path in state.path.iterdir() if path.is_file())
    assert made.key.encode() not in everything
    assert made.key[10:40].encode() not in everything


def test_a_key_without_rate_and_expiry_gets_warnings(state):
    assert [w.split(";")[0] for w in keys.create(state, wish(), now=NOW).warnings] == [
        "web has no rate limit and no budget",
        "web never expires",
        "the team 'shop' is new and was made.",
    ]
    assert keys.create(state, wish(budget_usd=5.0, expires_at=NOW + 1), now=NOW).warnings == []
    assert keys.create(state, wish(rate=10, rate_per=1.0, expires_at=NOW + 1), now=NOW).warnings == []


def test_a_browser_key_without_origin_gets_a_warning(state):
    assert "has no origin" in keys.create(state, wish(kind="browser", team=""), now=NOW).warnings[-1]


def test_everything_asked_for_reaches_the_gateway(state):
    keys.create(
        state,
        wish(
            kind="sdk",
            ips=["10.0.0.0/8"],
            origins=["https://app.example.com"],
            concurrency=0,
            rate=600,
            rate_per=60.0,
            feature="chat",
            subject="u1",
            tags="a,b",
            error_style="normalized",
            budget_usd=12.5,
            budget_per="day",
            lane="batch",
        ),
        now=NOW,
    )
    [caller] = published(state)
    assert (caller.kind, caller.ips, caller.origins, caller.concurrency) == (
        "sdk",
        ["10.0.0.0/8"],
        ["https://app.example.com"],
        0,
    )
    assert (caller.rate, caller.rate_per, caller.feature, caller.subject, caller.tags) == (
        600,
        60.0,
        "chat",
        "u1",
        "a,b",
    )
    assert caller.error_style == "normalized"
    assert (caller.budget_usd, caller.budget_per, caller.lane) == (12.5, "day", "batch")


@pytest.mark.row("E1")
def test_keys_of_kind_sdk_get_native_errors_unless_told(state):
    keys.create(state, wish(kind="sdk"), now=NOW)
    keys.create(state, wish(name="other"), now=NOW)
    assert {k.name: k.error_style for k in published(state)} == {"web": "native", "other": None}


@pytest.mark.parametrize(
    "scope",
    [
        "*",
        "integration:stripe",
        "integration:stripe:create_charge",
        "integration:*",
        "model:openai/*",
        "model:gpt-4?",
        "route:llm",
        "connection:crm",
        "health:read",
        "metrics:read",
    ],
)
def test_scopes_that_are(state, scope):
    keys.create(state, wish(scopes=[scope]), now=NOW)
    assert published(state)[0].scopes == [scope]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"scopes": ["stripe"]},
            "--scope 'stripe': names no kind; write e.g. 'integration:stripe' or 'model:stripe'.",
        ),
        ({"scopes": ["integration:"]}, "--scope 'integration:': must be integration:NAME"),
        ({"scopes": ["health:write"]}, "--scope 'health:write': must be"),
        ({"scopes": []}, "--scope is missing"),
        ({"name": ""}, "--name '': must be 1 to 64"),
        ({"name": "-x"}, "--name '-x': must be 1 to 64"),
        ({"ips": ["10.0.0.999"]}, "--ip '10.0.0.999': must be an address or a network"),
        (
            {"origins": ["https://a.example/x"]},
            "--origin 'https://a.example/x': must be scheme and host alone",
        ),
        ({"origins": ["*"]}, "--origin '*': must be scheme and host alone"),
        ({"expires_at": NOW - 1}, "lies in the past"),
        ({"team": "x" * 129}, "--team"),
        ({"feature": "a\nb"}, "--feature"),
    ],
)
def test_what_cannot_be_is_refused_with_value_and_cure(state, given, said):
    with pytest.raises(keys.WishInvalid) as refusal:
        keys.create(state, wish(**given), now=NOW)
    assert said in str(refusal.value)
    assert keys.list_keys(state, now=NOW) == []


def test_all_that_is_wrong_is_said_at_once(state):
    with pytest.raises(keys.WishInvalid) as refusal:
        keys.create(state, wish(name="", scopes=["x"], ips=["y"]), now=NOW)
    assert len(str(refusal.value).splitlines()) == 3


def test_a_revoked_key_is_gone_from_the_gateway_and_stays_in_the_list(state):
    made = keys.create(state, wish(), now=NOW)
    other = keys.create(state, wish(name="other"), now=NOW)
    assert keys.revoke(state, "web", now=NOW + 5).state == "revoked"
    assert [k.id for k in published(state)] == [other.id]
    assert {k.id: k.state for k in keys.list_keys(state, now=NOW + 6)} == {
        made.id: "revoked",
        other.id: "live",
    }


def test_revoking_twice_changes_nothing(state):
    keys.create(state, wish(), now=NOW)
    first = keys.revoke(state, "web", now=NOW + 5)
    assert keys.revoke(state, "web", now=NOW + 9) == first


def test_rotation_keeps_the_id_and_lets_both_keys_work_for_the_overlap(state):
    made = keys.create(state, wish(), now=NOW)
    new = keys.rotate(state, "web", overlap_s=60.0, now=NOW + 10)
    assert new.id == made.id
    assert new.key != made.key
    pepper = state.keys["pepper"]
    ends = {k.hash: (k.id, k.expires_at) for k in published(state)}
    assert ends == {
        keytext.key_hash(made.key, pepper): (made.id, NOW + 70),
        keytext.key_hash(new.key, pepper): (made.id, 0.0),
    }
    publish.callers(state, now=NOW + 71)
    assert [k.hash for k in published(state)] == [keytext.key_hash(new.key, pepper)]


def test_a_rotation_never_outlives_the_key(state):
    keys.create(state, wish(expires_at=NOW + 100), now=NOW)
    keys.rotate(state, "web", overlap_s=1000.0, now=NOW)
    assert [k.expires_at for k in published(state)] == [NOW + 100, NOW + 100]


def test_a_revoked_key_cannot_be_rotated(state):
    keys.create(state, wish(), now=NOW)
    keys.revoke(state, "web", now=NOW)
    with pytest.raises(keys.KeyProblem, match="is revoked; create a new one"):
        keys.rotate(state, "web", now=NOW)


def test_an_expired_key_is_not_published(state):
    keys.create(state, wish(expires_at=NOW + 10), now=NOW)
    publish.callers(state, now=NOW + 11)
    assert published(state) == []
    assert keys.find(state, "web", now=NOW + 11).state == "expired"


def test_a_name_that_several_live_keys_have_is_no_choice(state):
    first, second = keys.create(state, wish(), now=NOW), keys.create(state, wish(), now=NOW + 1)
    with pytest.raises(
        keys.KeyProblem, match=f"2 keys are named 'web': {first.id}, {second.id}. Give the id."
    ):
        keys.find(state, "web", now=NOW)
    keys.revoke(state, first.id, now=NOW + 2)
    assert keys.find(state, "web", now=NOW + 3).id == second.id


def test_an_unknown_key_is_said(state):
    with pytest.raises(keys.KeyProblem, match=r"There is no key 'nobody'. `trunkline keys list` shows all."):
        keys.revoke(state, "nobody", now=NOW)


@pytest.mark.row("G1")
def test_each_change_has_its_audit_row_and_none_holds_the_key(state):
    made = keys.create(state, wish(), now=NOW)
    keys.rotate(state, made.id, now=NOW)
    keys.revoke(state, made.id, now=NOW)
    rows = [row for row in audit.entries(state) if row["action"].startswith("key.")]
    assert [(r["action"], r["subject"]) for r in rows] == [
        (a, made.id) for a in ("key.create", "key.rotate", "key.revoke")
    ]
    assert made.key not in str(rows)


@pytest.mark.row("O2", "F9")
def test_a_change_is_live_at_once_and_keeps_key_and_all_else(state):
    made = keys.create(state, wish(rate=10, rate_per=1.0, tags="a"), now=NOW)
    [before] = published(state)
    info = keys.update(
        state,
        "web",
        {"lane": "batch", "budget_usd": 5.0, "budget_per": "day", "team": "lab", "expires_at": NOW + 60},
        now=NOW,
    )
    assert (info.lane, info.budget, info.team, info.rate) == ("batch", "5/day", "lab", "10/1s")
    [after] = published(state)
    assert after == msgspec.structs.replace(
        before, lane="batch", budget_usd=5.0, budget_per="day", team="lab", expires_at=NOW + 60
    )
    row = audit.entries(state)[-1]
    assert (row["action"], row["subject"]) == ("key.update", made.id)
    assert "batch" in str(row["detail"])


@pytest.mark.row("G1", "G2")
def test_the_chain_names_no_person_that_a_key_is_bound_to(state):
    made = keys.create(state, wish(subject=""), now=NOW)
    keys.update(state, made.id, {"subject": "jane@example.com"}, now=NOW)
    detail = audit.entries(state)[-1]["detail"]
    assert detail["changed"]["subject"].startswith("prs_")
    assert "jane" not in str(audit.entries(state))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"budget_usd": -1.0}, "--budget-usd -1: must be more than 0"),
        ({"budget_usd": float("nan")}, "--budget-usd nan"),
        ({"lane": "fast"}, "--lane 'fast': must be one of interactive, pipeline, batch."),
        ({"scopes": []}, "--scope is missing"),
        ({"expires_at": NOW - 1}, "lies in the past"),
        ({}, "Nothing to change was given"),
    ],
)
def test_a_change_that_cannot_be_changes_nothing(state, changes, said):
    keys.create(state, wish(), now=NOW)
    before = published(state)
    with pytest.raises(keys.KeyProblem, match=re.escape(said)):
        keys.update(state, "web", changes, now=NOW)
    assert published(state) == before
    assert [row["action"] for row in audit.entries(state)] == ["team.create", "key.create"]


def test_a_revoked_key_cannot_be_changed(state):
    made = keys.create(state, wish(), now=NOW)
    keys.revoke(state, made.id, now=NOW)
    with pytest.raises(keys.KeyProblem, match="is revoked; create a new one"):
        keys.update(state, made.id, {"lane": "batch"}, now=NOW)


def test_a_key_from_before_there_were_lanes_and_budgets_is_read_and_changed(state):
    made = keys.create(state, wish(), now=NOW)
    with state.change() as connection:
        [row] = control_tables.all_keys(connection)
        old = {k: v for k, v in row["settings"].items() if k not in ("lane", "budget_usd", "budget_per")}
        control_tables.update_key(connection, made.id, {"settings": old})
    [info] = keys.list_keys(state, now=NOW)
    assert (info.lane, info.budget) == ("interactive", None)
    publish.callers(state, now=NOW)
    assert [(c.lane, c.budget_usd) for c in published(state)] == [("interactive", 0.0)]
    assert keys.update(state, "web", {"budget_usd": 5.0}, now=NOW).budget == "5/month"


@pytest.mark.row("S4")
def test_a_killed_key_is_not_published_even_if_the_database_still_has_it(state):
    made = keys.create(state, wish(), now=NOW)
    kills.append(state, "key", made.id, now=NOW)
    publish.callers(state, now=NOW)
    assert published(state) == []
