"""Incidents in the admin API."""

from __future__ import annotations

import pytest

from tests.support.found import INCIDENT
from trunkline.ops.incidents import published

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


async def test_open_ones_stand_in_health_and_metrics(ask, state):
    assert "incidents" not in (await ask("/api/health?detail=1")).json()
    published.write(state, [INCIDENT])
    (one,) = (await ask("/api/health?detail=1")).json()["incidents"]
    assert (one["id"], one["acknowledged_by"]) == (INCIDENT.id, None)
    text = (await ask("/metrics")).body.decode()
    assert 'trunkline_incidents_open{integration="stripe",severity="critical"} 1' in text
    assert 'trunkline_findings_open{kind="rotation.due",severity="warning"} 1' in text


async def test_the_first_page_leads_to_runbooks_and_incidents(ask):
    text = (await ask("/")).body.decode()
    assert '<a href="runbooks/stripe">stripe</a>' in text
    assert '<a href="api/incidents">' in text
