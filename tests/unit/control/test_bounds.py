"""A key never exceeds its maker: neither when it is made, nor afterwards, when the maker has less (S12 of the battery)."""

from __future__ import annotations

from typing import Any

import pytest

from trunkline.control import bounds, keys, kills, publish, published, teams, users
from trunkline.control.keys import Wish
from trunkline.control.state import State
from trunkline.core.service import CallerKey

NOW = 1_800_000_000.0
DAY = 86_400.0

pytestmark = pytest.mark.row("W1")

PARENT = Wish(
    name="parent", team="shop", role="developer", scopes=["integration:stripe", "model:openai/*"], expires_at=NOW + 30 * DAY,
    ips=["10.0.0.0/8"], concurrency=10, rate=60, rate_per=60.0, budget_usd=30.0, budget_per="month", lane="pipeline",
    feature="checkout",
)  # fmt: skip
WITHIN: dict[str, Any] = {
    "name": "child", "team": "shop", "scopes": ["integration:stripe:refund"], "expires_at": NOW + DAY, "ips": ["10.1.0.0/16"],
    "concurrency": 2, "rate": 1, "rate_per": 60.0, "budget_usd": 1.0, "budget_per": "day", "lane": "batch", "feature": "checkout",
}  # fmt: skip


def live(state: State) -> dict[str, CallerKey]:
    there = published.read_callers(state)
    assert there is not None
    return {key.name: key for key in there.keys}


def parent(state: State, **other: Any) -> str:
    import msgspec

    return keys.create(state, msgspec.structs.replace(PARENT, **other), now=NOW).id


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"scopes": ["*"]}, "--scope *: parent does not have it."),
        ({"scopes": ["integration:*"]}, "--scope integration:*: parent does not have it."),
        ({"scopes": ["model:*"]}, "--scope model:*: parent does not have it."),
        ({"scopes": ["route:llm"]}, "--scope route:llm: parent has none of it."),
        ({"scopes": ["integration:stripe", "health:read"]}, "--scope health:read: parent does not have it."),
        ({"expires_at": NOW + 31 * DAY}, "--expires 2027-02-15T08:00:00Z: parent ends 2027-02-14T08:00:00Z."),
        ({"team": "ops"}, "--team 'ops': parent is not in the team 'ops'."),
        ({"role": "operator"}, "--role operator: parent is developer."),
        ({"role": "admin"}, "--role admin: parent is developer."),
        ({"rate": 61, "rate_per": 60.0}, "--rate 61/60s: parent has 60/60s."),
        ({"rate": 2, "rate_per": 1.0}, "--rate 2/1s: parent has 60/60s."),
        ({"budget_usd": 30.01, "budget_per": "month"}, "--budget-usd 30.01/month: parent has 30/month."),
        ({"budget_usd": 2.0, "budget_per": "day"}, "--budget-usd 2/day: parent has 30/month."),
        ({"lane": "interactive"}, ""),
        ({"feature": "search"}, "--feature search: parent has checkout."),
        ({"ips": ["0.0.0.0/0"]}, "--ip 0.0.0.0/0: parent has 10.0.0.0/8."),
        ({"ips": ["192.0.2.0/24"]}, "--ip 192.0.2.0/24: parent may not be used from there."),
        ({"origins": ["https://evil.example"]}, "--origin https://evil.example: parent does not have it."),
    ],
)
def test_a_key_cannot_make_one_that_may_more(state: State, more: dict[str, Any], said: str) -> None:
    teams.create(state, "ops", now=NOW)
    made = parent(state)
    wish = Wish(**{**WITHIN, **more})
    if not said:  # a lane is lowered, not refused: it is no more than a place in a queue
        assert keys.create(state, wish, by=made, now=NOW).id
        assert live(state)["child"].lane == "pipeline"
        return
    with pytest.raises(keys.WishInvalid) as refusal:
        keys.create(state, wish, by=made, now=NOW)
    assert said in str(refusal.value)
    assert "child" not in live(state)


def test_what_lies_within_is_granted_as_it_was_asked_for(state: State) -> None:
    made = parent(state)
    keys.create(state, Wish(**WITHIN), by=made, now=NOW)
    child = live(state)["child"]
    assert {name: getattr(child, name) for name in WITHIN} == WITHIN
    assert child.parents == [made]


def test_what_is_not_asked_for_is_the_makers_own_bound(state: State) -> None:
    made = parent(state)
    keys.create(state, Wish(name="child", scopes=["integration:stripe"]), by=made, now=NOW)
    child = live(state)["child"]
    assert (child.team, child.expires_at, child.ips, child.concurrency) == (
        "shop",
        NOW + 30 * DAY,
        ["10.0.0.0/8"],
        10,
    )
    assert (child.rate, child.rate_per, child.budget_usd, child.lane, child.feature, child.role) == (
        60, 60.0, 30.0, "pipeline", "checkout", "caller",
    )  # fmt: skip


@pytest.mark.parametrize("role", ["caller", "viewer"])
def test_who_is_no_developer_makes_no_keys(state: State, role: str) -> None:
    made = parent(state, role=role)
    with pytest.raises(
        keys.WishInvalid, match=f"parent has the role {role}; keys are made by developers and above"
    ):
        keys.create(state, Wish(**WITHIN), by=made, now=NOW)


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({"scopes": ["integration:stripe:refund"]}, {"scopes": ["integration:stripe:refund"]}),
        ({"expires_at": NOW + 60}, {"expires_at": NOW + 60}),
        ({"rate": 1, "rate_per": 3600.0}, {"rate": 1, "rate_per": 3600.0}),
        ({"budget_usd": 0.5, "budget_per": "day"}, {"budget_usd": 0.5, "budget_per": "day"}),
        ({"concurrency": 1}, {"concurrency": 1}),
        ({"ips": ["10.1.2.0/24"]}, {"ips": ["10.1.2.0/24"]}),
        ({"lane": "batch"}, {"lane": "batch"}),
    ],
)
def test_whoever_is_reduced_takes_the_keys_along_at_once(
    state: State, change: dict[str, Any], left: dict[str, Any]
) -> None:
    made = parent(state)
    keys.create(state, Wish(**WITHIN), by=made, now=NOW)
    before = live(state)["child"]
    keys.update(state, made, change, now=NOW)
    after = live(state)["child"]
    assert {name: getattr(after, name) for name in left} == left
    same = set(WITHIN) - set(left)
    assert {name: getattr(after, name) for name in same} == {name: getattr(before, name) for name in same}
    keys.update(state, made, {name: getattr(PARENT, name) for name in change}, now=NOW)
    assert live(state)["child"] == before, "what was asked for comes back when the maker has it again"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"role": "viewer"}, "its maker parent is viewer now and may have no keys"),
        ({"team": "ops"}, "--team 'shop': parent is not in the team 'shop'."),
        ({"scopes": ["route:llm"]}, "parent has none of it."),
        ({"ips": ["192.0.2.0/24"]}, "parent may not be used from there."),
    ],
)
def test_where_nothing_is_left_the_key_rests(state: State, change: dict[str, Any], why: str) -> None:
    teams.create(state, "ops", now=NOW)
    made = parent(state)
    child = keys.create(state, Wish(**WITHIN), by=made, now=NOW)
    keys.update(state, made, change, now=NOW)
    info = keys.find(state, child.id, now=NOW)
    assert "child" not in live(state)
    assert info.state == "suspended"
    assert why.removeprefix("--") in info.why
    told = [(one.name, one.why) for one in publish.callers(state, now=NOW).ended]
    assert told == [("child", f"is suspended: {info.why}")]
    with pytest.raises(keys.KeyProblem, match="is suspended"):
        keys.rotate(state, child.id, now=NOW)


def test_a_revoked_an_expired_and_a_killed_key_end_all_that_was_made_with_them(state: State) -> None:
    for name in ("revoked", "expired", "killed"):
        made = parent(state, name=name, role="developer")
        one = keys.create(
            state, Wish(**{**WITHIN, "name": f"{name} child", "role": "developer"}), by=made, now=NOW
        ).id
        keys.create(state, Wish(**{**WITHIN, "name": f"{name} grandchild"}), by=one, now=NOW)
    assert len(live(state)) == 9
    keys.revoke(state, "revoked", now=NOW)
    assert not [name for name in live(state) if name.startswith("revoked")]
    keys.update(state, "expired", {"expires_at": NOW + 10}, now=NOW)
    assert live(state)["expired grandchild"].expires_at == NOW + 10
    kills.append(state, "key", keys.find(state, "killed", now=NOW).id, now=NOW)
    publish.callers(state, now=NOW + 11)
    assert live(state) == {}


def test_a_person_makes_keys_for_the_own_teams_only(state: State) -> None:
    for name in ("shop", "ops"):
        teams.create(state, name, now=NOW)
    ana = users.create(state, "ana", role="developer", of=["shop"], now=NOW).id
    made = keys.create(state, Wish(name="ours", scopes=["*"]), by=ana, now=NOW)
    assert (live(state)["ours"].team, keys.find(state, made.id, now=NOW).created_by) == ("shop", "ana")
    for team, said in (("ops", "ana is not in the team 'ops'"), ("new", "ana is not in the team 'new'")):
        with pytest.raises(keys.WishInvalid, match=said):
            keys.create(state, Wish(name="theirs", team=team, scopes=["*"]), by=ana, now=NOW)


def test_a_person_of_two_teams_says_which(state: State) -> None:
    for name in ("shop", "ops"):
        teams.create(state, name, now=NOW)
    ana = users.create(state, "ana", role="developer", of=["shop", "ops"], now=NOW).id
    with pytest.raises(keys.WishInvalid, match="--team '': ana is bound to teams, and the key to none"):
        keys.create(state, Wish(name="whose", scopes=["*"]), by=ana, now=NOW)
    assert keys.create(state, Wish(name="ours", team="ops", scopes=["*"]), by=ana, now=NOW).id


@pytest.mark.parametrize("loss", ["role", "team", "disabled"])
def test_a_person_who_loses_role_or_team_loses_the_keys_until_it_is_back(state: State, loss: str) -> None:
    for name in ("shop", "ops"):
        teams.create(state, name, now=NOW)
    ana = users.create(state, "ana", role="developer", of=["shop"], now=NOW).id
    keys.create(state, Wish(name="ours", scopes=["*"]), by=ana, now=NOW)
    if loss == "role":
        users.update(state, "ana", role="viewer", now=NOW)
    elif loss == "team":
        users.update(state, "ana", of=["ops"], now=NOW)
    else:
        users.disable(state, "ana", now=NOW)
    assert "ours" not in live(state)
    users.disable(state, "ana", enable=True, now=NOW)
    users.update(state, "ana", role="developer", of=["shop"], now=NOW)
    assert "ours" in live(state)


def test_an_operator_who_becomes_developer_leaves_no_operators_key(state: State) -> None:
    teams.create(state, "shop", now=NOW)
    bo = users.create(state, "bo", role="operator", of=[], now=NOW).id
    keys.create(state, Wish(name="bot", role="operator", team="shop"), by=bo, now=NOW)
    users.update(state, "bo", role="developer", of=["shop"], now=NOW)
    assert live(state)["bot"].role == "developer"
    assert keys.find(state, "bot", now=NOW).limited == ["role operator: bo is developer."]


def test_a_weaker_maker_cannot_renew_change_or_end_a_stronger_key(state: State) -> None:
    teams.create(state, "shop", now=NOW)
    ana = users.create(state, "ana", role="developer", of=["shop"], now=NOW).id
    strong = keys.create(state, Wish(name="strong", role="admin", team="shop", scopes=["*"]), now=NOW).id
    other = keys.create(state, Wish(name="other", team="ops", scopes=["*"]), now=NOW).id
    for key in (strong, other):
        for act in (
            lambda key=key: keys.rotate(state, key, by=ana, now=NOW),
            lambda key=key: keys.update(state, key, {"lane": "batch"}, by=ana, now=NOW),
            lambda key=key: keys.revoke(state, key, by=ana, now=NOW),
        ):
            with pytest.raises(keys.KeyForbidden, match="A key cannot exceed its maker"):
                act()
    assert set(live(state)) == {"strong", "other"}


def test_a_key_may_call_no_more_than_its_team_whoever_made_it(state: State) -> None:
    teams.create(state, "shop", scopes=["integration:stripe", "model:openai/*"], now=NOW)
    with pytest.raises(
        keys.WishInvalid,
        match=r"--scope \*: the team 'shop' may call integration:stripe model:openai/\* at most",
    ):
        keys.create(state, Wish(name="web", team="shop", scopes=["*"]), now=NOW)
    keys.create(
        state, Wish(name="web", team="shop", scopes=["integration:stripe", "model:openai/gpt-5"]), now=NOW
    )
    teams.update(state, "shop", scopes=["integration:stripe:refund"], now=NOW)
    assert live(state)["web"].scopes == ["integration:stripe:refund"]
    teams.update(state, "shop", scopes=["*"], now=NOW)
    assert live(state)["web"].scopes == ["integration:stripe", "model:openai/gpt-5"]


def test_a_maker_that_nobody_knows_gives_nothing(state: State) -> None:
    with pytest.raises(keys.WishInvalid, match="usr_gone has the role of nobody"):
        keys.create(state, Wish(**WITHIN), by="usr_gone", now=NOW)


def test_only_so_many_keys_may_stand_behind_one(state: State) -> None:
    made, at = "", 0
    while at <= bounds.MOST_PARENTS:
        made = keys.create(state, Wish(name=f"k{at}", role="developer", scopes=["*"]), by=made, now=NOW).id
        at += 1
    with pytest.raises(keys.WishInvalid, match="8 keys stand behind k8; make this one with one of those"):
        keys.create(state, Wish(name="one more", scopes=["*"]), by=made, now=NOW)
    assert len(live(state)["k8"].parents) == 8


def test_a_key_that_was_made_its_own_maker_by_hand_does_not_work(state: State) -> None:
    one = keys.create(state, Wish(name="one", role="developer", scopes=["*"]), now=NOW).id
    two = keys.create(state, Wish(name="two", role="developer", scopes=["*"]), by=one, now=NOW).id
    keys.hand_over(state, one, two, now=NOW)
    assert live(state) == {}


def test_networks_that_overlap_are_cut_to_what_both_name() -> None:
    assert bounds._shared_networks(["10.0.0.0/7", "192.0.2.1"], ["10.0.0.0/8", "192.0.2.0/24"]) == [
        "10.0.0.0/8", "192.0.2.1",
    ]  # fmt: skip
    assert bounds._shared_networks([], ["10.0.0.0/8"]) == ["10.0.0.0/8"]
    assert bounds._shared_networks(["2001:db8::/32"], ["10.0.0.0/8"]) == []
