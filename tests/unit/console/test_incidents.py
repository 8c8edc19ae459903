"""Incidents in the admin API."""

from __future__ import annotations

import pytest

from tests.support.found import INCIDENT

pytestmark = pytest.mark.row("H3", "O7")
PATH = f"/api/incidents/{INCIDENT.id}"


async def test_they_are_listed_and_shown(ask):
    listed = (await ask("/api/incidents?integration=stripe")).json()
    assert [one["id"] for one in listed["incidents"]] == [INCIDENT.id]
    assert (await ask("/api/incidents?integration=openai")).json() == {"incidents": []}
    shown = (await ask(PATH)).json()
    assert (shown["incident"]["title"], [e["kind"] for e in shown["timeline"]]) == (
        "stripe is down",
        ["opened"],
    )
    assert (await ask("/api/incidents/inc_x")).status == 404


async def test_people_speak_in_their_own_name(ask):
    assert (await ask(f"{PATH}/note?note=seen", method="POST")).status == 200
    assert (await ask(f"{PATH}/ack?note=mine", method="POST")).json()["acknowledged_by"] == "admin.token"
    assert (await ask(f"{PATH}/close", method="POST")).json()["closed_by"] == "admin.token"
    refused = await ask(f"{PATH}/ack", method="POST")
    assert (refused.status, "closed already" in refused.json()["message"]) == (400, True)
    assert (await ask(f"{PATH}/note", method="POST")).status == 400
    assert (await ask("/api/incidents/inc_x/close", method="POST")).status == 404
    assert (await ask("/api/incidents")).json() == {"incidents": []}
    assert len((await ask("/api/incidents?all=true")).json()["incidents"]) == 1


async def test_the_review_is_data_and_a_document(ask):
    told = (await ask(f"{PATH}/review")).json()
    assert (told["incident"]["id"], told["impact"]["calls"]) == (INCIDENT.id, 3)
    page = await ask(f"{PATH}/review.md")
    assert page.headers["content-type"] == "text/markdown; charset=utf-8"
    assert page.body.decode().startswith(f"# Review of {INCIDENT.id}: stripe\n")
