"""Runbooks in the admin API and as a page: nothing of what people wrote becomes markup."""

from __future__ import annotations

import pytest

from trunkline.core.codec import to_pack
from trunkline.core.service import Service, Snapshot

pytestmark = pytest.mark.row("H3")


@pytest.fixture
def folder(console, state, tmp_path):
    services = [
        Service(name="stripe", title="Stripe <payments>", runbook="rb.md"),
        Service(name="crm", runbook="https://wiki.example.com/crm"),
    ]
    snapshot = Snapshot(version="v", created="", environment="dev", services=services)
    (state / "snapshot.msgpack").write_bytes(to_pack(snapshot))
    console.registry_folder = tmp_path
    return tmp_path


async def test_the_facts_are_told_with_what_people_wrote(ask, folder):
    (folder / "rb.md").write_text("# Symptom\nSlow.\n")
    told = (await ask("/api/runbooks/stripe")).json()
    assert (told["integration"], told["runbook"]["content"]) == ("stripe", "# Symptom\nSlow.\n")
    assert [one["code"] for one in told["failures"]] == ["network"]
    assert (await ask("/api/runbooks/none")).status == 404


async def test_the_page_shows_both(ask, folder):
    (folder / "rb.md").write_text(
        "# Symptom\n<script>alert(1)</script> `trunkline health`\n\n- [page](https://status.example.com)\n"
    )
    page = await ask("/runbooks/stripe")
    text = page.body.decode()
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>Runbook: Stripe &lt;payments&gt; <small>dev</small></h1>" in text
    assert "<h3>Now</h3>" in text
    assert (
        "<h3>Symptom</h3>\n<p>&lt;script&gt;alert(1)&lt;/script&gt; <code>trunkline health</code></p>" in text
    )
    assert '<li><a href="https://status.example.com" rel="noreferrer">page</a></li>' in text
    assert "<script>" not in text
    assert "It does not answer: triage, fallback, escalation, recovery." in text
    assert (await ask("/runbooks/none")).status == 404


async def test_a_page_elsewhere_is_linked_and_a_missing_one_is_said(ask, folder):
    assert 'href="https://wiki.example.com/crm"' in (await ask("/runbooks/crm")).body.decode()
    assert "The file rb.md cannot be read" in (await ask("/runbooks/stripe")).body.decode()


async def test_who_works_by_it_is_kept(ask, folder):
    told = (await ask("/api/runbooks/stripe/ack?note=step%202", method="POST")).json()
    assert (told["integration"], told["by"], told["note"]) == ("stripe", "admin.token", "step 2")
    assert [one["note"] for one in (await ask("/api/runbooks/stripe")).json()["acknowledged"]] == ["step 2"]
    assert (await ask("/api/runbooks/none/ack", method="POST")).status == 404
