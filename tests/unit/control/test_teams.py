"""Teams: made, changed and removed by command, each with its audit row."""

from __future__ import annotations

import pytest

from trunkline.control import audit, keys, published, teams, users
from trunkline.control.keys import Wish
from trunkline.control.state import State

NOW = 1_800_000_000.0

pytestmark = pytest.mark.row("W1")


def test_a_team_is_made_listed_and_shown_with_who_belongs_to_it(state: State) -> None:
    made = teams.create(
        state, "shop", title="The shop", scopes=["integration:stripe"], actor="cli:ana", now=NOW
    )
    users.create(state, "bo", role="viewer", of=["shop"], now=NOW)
    key = keys.create(state, Wish(name="web", team="shop", scopes=["integration:stripe"]), now=NOW).id
    assert (made.users, made.keys, made.created_by) == ([], [], "installation")
    assert teams.list_teams(state, now=NOW) == [
        teams.TeamInfo(
            name="shop",
            title="The shop",
            scopes=["integration:stripe"],
            created_at="2027-01-15T08:00:00Z",
            created_by="installation",
            users=["bo"],
            keys=[key],
        )
    ]
    assert next((row["actor"], row["action"], row["subject"]) for row in audit.entries(state)) == (
        "cli:ana", "team.create", "shop",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "scopes", "said"),
    [
        ("", [], "is no name for a team"),
        ("*", [], "is no name for a team"),
        ("-x", [], "is no name for a team"),
        ("x" * 65, [], "is no name for a team"),
        ("a\nb", [], "is no name for a team"),
        ("shop", ["stripe"], "--scope 'stripe': names no kind"),
    ],
)
def test_what_cannot_be_is_said(state: State, name: str, scopes: list[str], said: str) -> None:
    with pytest.raises(teams.TeamProblem, match=said):
        teams.create(state, name, scopes=scopes, now=NOW)
    assert teams.list_teams(state, now=NOW) == []


def test_a_second_one_of_a_name_is_refused(state: State) -> None:
    teams.create(state, "shop", now=NOW)
    with pytest.raises(teams.TeamProblem, match="There is a team 'shop' already"):
        teams.create(state, "shop", now=NOW)


def test_an_unknown_team_is_said_with_what_was_meant(state: State) -> None:
    teams.create(state, "checkout", now=NOW)
    with pytest.raises(teams.TeamProblem, match=r"no team 'chekout' \(did you mean 'checkout'\?\)"):
        teams.find(state, "chekout", now=NOW)


def test_a_team_in_use_is_removed_only_with_its_keys(state: State) -> None:
    teams.create(state, "shop", now=NOW)
    users.create(state, "bo", role="viewer", of=["shop"], now=NOW)
    key = keys.create(state, Wish(name="web", team="shop", scopes=["*"]), now=NOW).id
    with pytest.raises(
        teams.TeamProblem, match=f"has keys {key} and users bo. Move them first, or give --end-keys"
    ):
        teams.remove(state, "shop", now=NOW)
    assert teams.remove(state, "shop", end_keys=True, now=NOW) == [key]
    there = published.read_callers(state)
    assert there is not None
    assert there.keys == []
    assert (keys.find(state, key, now=NOW).state, users.find(state, "bo", now=NOW).teams) == ("revoked", [])
    assert teams.create(state, "shop", now=NOW).users == [], "one that comes back is empty"


def test_a_key_for_a_new_team_makes_the_team_and_says_so(state: State) -> None:
    teams.create(state, "checkout", now=NOW)
    made = keys.create(
        state,
        Wish(name="web", team="chekout", scopes=["*"], expires_at=NOW + 1, rate=1, rate_per=1.0),
        now=NOW,
    )
    assert made.warnings == ["the team 'chekout' is new and was made (did you mean 'checkout'?)."]
    assert [team.name for team in teams.list_teams(state, now=NOW)] == ["checkout", "chekout"]
