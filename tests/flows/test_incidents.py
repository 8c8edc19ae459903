"""A vendor fails and comes back, seen by who is on call: one alert in each format, the facts by runbook, the end, the review."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.battery.served import Served, serving
from tests.support.alert_shapes import check_datadog, check_sentry, check_slack
from tests.support.caller import call
from tests.support.polling import eventually
from tests.support.simulator import SimulatorProcess
from tests.support.site import Seen, Site

pytestmark = pytest.mark.row("H3", "O3", "O7")

REGISTRY = """
version: 1
integrations:
  crm:
    base_url: "{simulator}/crm"
    auth: {kind: none}
    owner: crm@example.com
    criticality: load-path
    retry: {attempts: 1}
    breaker: {volume: 5, open_for: 1s, probes: 1, ramp: 0s}
    runbook: runbooks/crm.md
alerts:
  on-call:
    kinds: [incident]
    to:
      - {kind: slack, secret: env:SLACK}
      - {kind: sentry, secret: env:SENTRY_DSN}
      - {kind: datadog, secret: env:DATADOG, url: "{site}"}
      - {kind: webhook, url: "{site}/hook", secret: env:WEBHOOK_SECRET}
    remind: 0s
incidents: {open_after: 2s, close_after: 2s}
notify: {console_url: https://console.example.com}
"""
SLACK, SENTRY, DATADOG = "/services/T0/B0/not-a-real-one", "/api/42/envelope/", "/api/v1/events"


class OnCall:
    """Who is on call: what reached them, and what the command line tells them."""

    def __init__(self, served: Served, site: Site) -> None:
        self._served = served
        self._site = site

    def heard(self, path: str) -> list[Seen]:
        return [seen for seen in list(self._site.seen) if seen.target == path]

    def told(self, *command: str) -> Any:
        ran = self._served.run(*command, "--json")
        assert ran.returncode == 0, ran.stderr
        return [json.loads(line) for line in ran.stdout.splitlines()]

    def get(self) -> int:
        """One call to the vendor."""
        fields = {"authorization": f"Bearer {self._served.key}"}
        return call(self._served.port, "GET", "/api/proxy/crm/echo", fields).status


def test_an_outage_from_the_first_failure_to_the_review(
    tmp_path: Path, simulator: SimulatorProcess, site: Site
) -> None:
    registry = REGISTRY.replace("{site}", site.address).replace("{simulator}", simulator.address())
    secrets = {
        "SLACK": f"{site.address}{SLACK}",
        "SENTRY_DSN": f"http://0123456789abcdef@127.0.0.1:{site.port}/42",
        "DATADOG": "0" * 32,
        "WEBHOOK_SECRET": "whsec_" + base64.b64encode(b"a-test-key-that-is-not-a-real-one").decode(),
    }
    with serving(tmp_path, registry, secrets=secrets) as served:
        person = OnCall(served, site)
        assert person.get() == 200

        simulator.fault("server_error", "crm")
        for _ in range(5):
            person.get()

        def opened() -> Any:
            person.get()
            return person.told("incidents", "list")

        (incident,) = eventually(opened, "the incident")
        assert (incident["integration"], incident["cause"], incident["severity"]) == (
            "crm",
            "vendor",
            "critical",
        )

        for path in (SLACK, SENTRY, DATADOG, "/hook"):
            eventually(lambda at=path: person.heard(at), f"an alert at {path}")
        shown = check_slack(person.heard(SLACK)[0].body)
        assert shown["blocks"][0]["text"]["text"] == "🔴 Critical crm (dev)"
        assert "https://console.example.com/runbooks/crm" in json.dumps(shown)
        assert check_sentry(person.heard(SENTRY)[0].body)["fingerprint"] == [
            "trunkline",
            f"incident:{incident['id']}",
        ]
        assert check_datadog(person.heard(DATADOG)[0].body)["alert_type"] == "error"
        (item,) = person.heard("/hook")[0].json["data"]["items"]
        assert (item["kind"], item["runbook"]) == (
            "incident.vendor",
            "https://console.example.com/runbooks/crm",
        )

        (facts,) = served_json(served, "runbook", "show", "crm")
        assert (facts["incident"]["id"], facts["owner"]) == (incident["id"], "crm@example.com")
        assert facts["affected"]["failed"] >= 5
        assert {one["code"] for one in facts["failures"]} <= {"server_error", "circuit_open"}
        assert item["correlation_ids"], "an alert names calls to look at"
        assert set(item["correlation_ids"]) <= {
            call["correlation_id"] for call in person.told("logs", "--limit", "1000")
        }
        assert person.told("runbook", "ack", "crm", "--by", "jan")[0]["incident_id"] == incident["id"]

        served.kill("console")  # the supervisor starts it again, and it goes on with what it knew
        eventually(lambda: person.told("incidents", "list"), "the command line with a console that is back")

        simulator.no_faults()

        def over() -> bool:
            for _ in range(50):
                person.get()
            return not person.told("incidents", "list")

        eventually(over, "the end", limit_s=60)
        eventually(lambda: len(person.heard("/hook")) == 2, "the end to be told to the last target")
        assert (
            check_slack(person.heard(SLACK)[1].body)["blocks"][0]["text"]["text"] == "✅ Resolved crm (dev)"
        )
        assert check_datadog(person.heard(DATADOG)[1].body)["alert_type"] == "success"
        assert [len(person.heard(path)) for path in (SLACK, SENTRY, DATADOG, "/hook")] == [2, 1, 2, 2]

        (review,) = person.told("incidents", "export", incident["id"])
        kinds = [entry["kind"] for entry in review["timeline"]]
        assert next(kind for kind in kinds if kind != "change") == "opened"
        assert kinds.count("closed") == 1
        assert {"breaker", "alert", "ack"} <= set(kinds)
        assert review["impact"]["failed"] >= 5
        assert review["times"]["told"] is not None
        assert review["times"]["recovered"] is not None
        assert served.run("incidents", "export", incident["id"]).returncode == 0


def served_json(served: Served, *command: str) -> list[Any]:
    """The JSON of a command that may also find something."""
    return [json.loads(line) for line in served.run(*command, "--json").stdout.splitlines()]
