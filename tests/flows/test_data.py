"""A person's data, from the first call to its deletion: seen, found not to be declared, declared; traced, worked off, erased."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.console import running_console
from tests.support.folders import contents
from tests.support.gateway import Trunkline
from tests.support.polling import eventually
from tests.support.site import Site, reply
from trunkline.control import audit, erase, trace
from trunkline.ops import findings
from trunkline.ops.findings import FindingRow

pytestmark = pytest.mark.row("G2")
Start = Callable[..., Trunkline]

REGISTRY = """
version: 1
integrations:
  crm:
    base_url: "{site}"
    auth: {kind: none}
    data: DATA
    identifiers: [/person/email]
"""
JANE = "jane@example.com"


def test_a_persons_data_from_the_first_call_to_its_deletion(start: Start, site: Site) -> None:
    trunkline = start(REGISTRY.replace("DATA", "[pii.name]"))
    state = trunkline.state
    site.script.append(reply(b'{"ok":true}', "x-request-id: req-77"))

    def found() -> list[FindingRow]:
        return findings.listed(state, kind="data")

    def traced(**who: str) -> trace.Traced:
        return trace.trace(state, trace.person(state, **who), actor="ana")

    with running_console(trunkline):
        body = {"person": {"email": JANE}}
        answer = trunkline.call("POST", "/api/proxy/crm/people", body, {"x-trunkline-subject": "user_17"})
        assert answer.status == 200
        [finding] = eventually(found, "the finding")
        assert (finding.kind, finding.subject) == ("data.undeclared", "pii.email")
        assert finding.correlation_ids == [answer.field("x-correlation-id")]

        trunkline.reload(REGISTRY.replace("DATA", "[pii]").replace("{site}", site.address))
        eventually(lambda: not found(), "the finding's end")

        eventually(lambda: traced(email=JANE.upper()).vendors, "the call in the ledger")
        for who in ({"email": JANE.upper()}, {"subject": "user_17"}):
            [vendor] = traced(**who).vendors
            assert (vendor.integration, vendor.ids[0].vendor_request_id) == ("crm", "req-77")

        person = trace.person(state, email=JANE)
        [task] = trace.open_request(state, person, traced(email=JANE), actor="ana")
        trace.mark(state, task.id, "confirmed", actor="ana")
        assert trace.listed(state) == []

        done: Any = erase.erase(state, person, act=True, actor="ana")
        assert {one.store: one.erased for one in done.stores}["ledger"] == 1
        assert traced(email=JANE).calls == 0
        assert traced(subject="user_17").calls == 0, "one call, and everything of it that named anybody"
    assert audit.verify(state).ok
    kept = b"".join(contents(state.path).values())
    assert JANE.encode() not in kept
