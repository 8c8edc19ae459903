"""Each format keeps to what its vendor publishes, whatever an alert says, and lets nothing of it be markup or a header."""

from __future__ import annotations

import json
from email import message_from_bytes
from typing import Any

import msgspec
import pytest

from tests.support.alert_shapes import check_datadog, check_sentry, check_slack
from tests.support.alerts import HOSTILE, OUTAGE, told
from trunkline.ops.alerting.message import Message
from trunkline.ops.formats import datadog, letter, sentry, slack
from trunkline.ops.formats.posting import Unusable

pytestmark = pytest.mark.row("O3")
AT = 1_795_262_400.25
DSN = "https://0123456789abcdef@o1.ingest.example.com/42"
MANY = [msgspec.structs.replace(OUTAGE, key=f"incident:{n}", title=f"thing {n}") for n in range(30)]
MESSAGES = {
    "one": told(),
    "reminder": told("reminder"),
    "hostile": told("firing", HOSTILE),
    "many": told("firing", *MANY),
    "many hostile": told("firing", *([HOSTILE] * 25)),
    "resolved": told("resolved", msgspec.structs.replace(OUTAGE, until="2026-11-21T13:00:00Z")),
    "test": told("test"),
}


def payload(message: Message) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(message)
    return found


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
def test_slack_takes_it(message: Message) -> None:
    check_slack(slack.body(payload(message), message.text))


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
def test_sentry_takes_it(message: Message) -> None:
    postings = sentry.postings(DSN, payload(message), message.text, "msg_1", AT)
    events = [check_sentry(one.body) for one in postings]
    assert len({event["event_id"] for event in events}) == len({one.item for one in postings})
    assert bool(postings) is (message.phase != "resolved"), "an event would open the issue again"


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
def test_datadog_takes_it(message: Message) -> None:
    for one in datadog.postings("https://api.datadoghq.com", "0" * 32, payload(message), message.text, AT):
        check_datadog(one.body)


def test_slack_shows_what_happened_where_and_what_to_do() -> None:
    body = json.loads(slack.body(payload(told()), "x"))
    assert body == {
        "text": "Trunkline [prod] critical: stripe is down: the breaker is open, the last with overloaded",
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": "🔴 Critical stripe (prod)", "emoji": True}},
            {"type": "section", "text": {"type": "mrkdwn", "text":
                "🔴 *stripe is down: the breaker is open, the last with overloaded*\nfeatures: checkout 12/12\nserved by: target adyen"}},
            {"type": "context", "elements": [
                {"type": "mrkdwn", "text": "`incident.vendor`"},
                {"type": "mrkdwn", "text": "since 2026-11-21T12:00:00Z"},
                {"type": "mrkdwn", "text": "<https://console.example.com/runbooks/stripe|Runbook>"},
                {"type": "mrkdwn", "text": "`trunkline runbook show stripe`"},
                {"type": "mrkdwn", "text": "calls `corr-1` `corr-2`"},
            ]},
        ],
    }  # fmt: skip
    resolved = json.loads(slack.body(payload(MESSAGES["resolved"]), "x"))
    assert resolved["blocks"][0]["text"]["text"] == "✅ Resolved stripe (prod)"
    many = json.loads(slack.body(payload(MESSAGES["many"]), "x"))
    assert many["blocks"][0]["text"]["text"] == "🔴 Critical 30 things (prod)"
    assert many["blocks"][-1]["text"]["text"] == "and 15 more: `trunkline alerts list`"


def test_sentry_groups_what_is_the_same_and_takes_a_repeat_once() -> None:
    (first,) = sentry.postings(DSN, payload(told()), "x", "msg_1", AT)
    (again,) = sentry.postings(DSN, payload(told()), "x", "msg_1", AT + 60)
    (reminder,) = sentry.postings(DSN, payload(told("reminder")), "x", "msg_2", AT)
    events = [check_sentry(one.body) for one in (first, again, reminder)]
    assert events[0]["event_id"] == events[1]["event_id"] != events[2]["event_id"]
    assert {tuple(event["fingerprint"]) for event in events} == {("trunkline", "incident:inc_1")}
    assert first.url == "https://o1.ingest.example.com/api/42/envelope/"
    assert first.fields["content-type"] == "application/x-sentry-envelope"
    assert first.fields["x-sentry-auth"].startswith("Sentry sentry_version=7, sentry_client=trunkline/")
    assert first.fields["x-sentry-auth"].endswith("sentry_key=0123456789abcdef")
    event = events[0]
    assert (event["level"], event["environment"], event["transaction"]) == ("error", "prod", "stripe")
    assert event["tags"] == {
        "kind": "incident.vendor", "severity": "critical", "integration": "stripe", "rule": "on-call", "phase": "firing",
    }  # fmt: skip
    assert event["extra"]["correlation_ids"] == ["corr-1", "corr-2"]
    assert event["extra"]["runbook"] == OUTAGE.runbook


def test_datadog_gets_an_event_each_and_its_end_under_the_same_key() -> None:
    firing = datadog.postings("https://api.datadoghq.eu", "0" * 32, payload(MESSAGES["many"]), "x", AT)
    assert len(firing) == 20
    assert len({check_datadog(one.body)["aggregation_key"] for one in firing}) == 20
    (first,) = datadog.postings("https://api.datadoghq.eu", "0" * 32, payload(told()), "x", AT)
    (end,) = datadog.postings("https://api.datadoghq.eu", "0" * 32, payload(MESSAGES["resolved"]), "x", AT)
    begun, ended = check_datadog(first.body), check_datadog(end.body)
    assert (first.url, first.fields["dd-api-key"]) == ("https://api.datadoghq.eu/api/v1/events", "0" * 32)
    assert begun["aggregation_key"] == ended["aggregation_key"]
    assert (begun["alert_type"], ended["alert_type"]) == ("error", "success")
    assert ended["title"].startswith("Resolved: stripe is down")
    assert begun["tags"] == [
        "service:trunkline", "env:prod", "integration:stripe", "kind:incident.vendor", "severity:critical", "rule:on-call",
    ]  # fmt: skip
    assert "- runbook: https://console.example.com/runbooks/stripe" in begun["text"]


def test_other_notices_are_told_by_their_sentence() -> None:
    text = "Trunkline: the deferred call tsk_1 has failed."
    plain = {"text": text, "task": "tsk_1"}
    assert json.loads(slack.body(plain, text)) == {"text": text}
    (posted,) = sentry.postings(DSN, plain, text, "msg_1", AT)
    assert check_sentry(posted.body)["logentry"]["formatted"] == text
    (posted,) = datadog.postings("https://api.datadoghq.com", "0" * 32, plain, text, AT)
    assert check_datadog(posted.body)["title"] == text
    mail = letter.letter("", ["a@example.com"], "task.failed", plain, text, "msg_1")
    assert mail.get_content().splitlines() == [text, "", "task: tsk_1"]


def test_a_mail_holds_each_thing_and_ties_begin_and_end_together() -> None:
    first = letter.letter(
        "t@example.com", ["a@example.com"], "alert.firing", payload(told()), told().text, "msg_1"
    )
    end = letter.letter(
        "t@example.com", ["a@example.com"], "alert.resolved", payload(MESSAGES["resolved"]), "x", "msg_2"
    )
    assert first["References"] == end["References"] is not None
    assert first["Subject"] == told().text
    assert first.get_content().splitlines() == [
        told().text,
        "",
        "stripe is down: the breaker is open, the last with overloaded",
        "  kind: incident.vendor",
        "  severity: critical",
        "  integration: stripe",
        "  since: 2026-11-21T12:00:00Z",
        "  features: checkout 12/12",
        "  served by: target adyen",
        "  runbook: https://console.example.com/runbooks/stripe",
        "  more: trunkline runbook show stripe",
        "  calls: corr-1, corr-2",
        "",
        "Told by the rule 'on-call' of the registry (`alerts:`).",
        "Console: https://console.example.com",
    ]
    hostile = told("firing", HOSTILE)
    text = f"{hostile.text}\r\nBcc: thief@example.com"
    parsed = message_from_bytes(
        bytes(letter.letter("t@x.example", ["a@x.example"], "e", payload(hostile), text, "m"))
    )
    assert parsed["Bcc"] is None


@pytest.mark.parametrize(
    "dsn", ["", "https://sentry.example.com/1", "https://k@h.example.com/", "k@h/1", "ftp://k@h/1"]
)
def test_what_is_no_dsn_is_said_without_showing_it(dsn: str) -> None:
    with pytest.raises(Unusable) as refused:
        sentry.postings(dsn, payload(told()), "x", "m", AT)
    assert str(refused.value) == "what stands there is no DSN; Sentry shows one like https://KEY@HOST/PROJECT"


def test_what_is_no_key_or_address_is_said() -> None:
    with pytest.raises(Unusable, match="no API key of Datadog"):
        datadog.postings("https://api.datadoghq.com", "a\r\nb: c", payload(told()), "x", AT)
    with pytest.raises(Unusable, match="no web address"):
        slack.posting("hooks.slack.com/services/x", payload(told()), "x")


def test_a_dsn_with_a_path_and_a_port_leads_below_it() -> None:
    (one,) = sentry.postings("http://k@127.0.0.1:9000/sentry/7", payload(told()), "x", "m", AT)
    assert one.url == "http://127.0.0.1:9000/sentry/api/7/envelope/"
