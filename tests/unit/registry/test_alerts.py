"""Who is told of what: as the registry writes it, as it is carried over, and what cannot be."""

import pytest

from trunkline.core.alerting import IncidentTimes, Rule, Target, references

from .conftest import Load, Refused

pytestmark = pytest.mark.row("O3", "R4")
BASE = "version: 1\nintegrations: {openai: {secret: env:A}, stripe: {secret: env:B}}\n"
NOTIFY = """\
notify:
  webhook: https://hooks.example.com/t
  webhook_secret: store:W
  email: ops@example.com
  smtp: smtps://mail.example.com:465
  smtp_user: trunkline
  smtp_secret: env:SMTP
  sender: trunkline@example.com
  console_url: https://console.example.com/
"""
HOOK = Target(kind="webhook", name="webhook", url="https://hooks.example.com/t", secret="store:W")
MAIL = Target(
    kind="email", name="email", email=["ops@example.com"], smtp="smtps://mail.example.com:465",
    smtp_user="trunkline", secret="env:SMTP", sender="trunkline@example.com",
)  # fmt: skip


def test_rules_are_carried_over_whole(loaded: Load) -> None:
    text = """\
alerts:
  on-call:
    kinds: [incident, contract.drift]
    severity: critical
    integrations: [stripe]
    to:
      - {kind: slack, secret: store:SLACK}
      - {kind: slack, secret: store:SLACK_2}
      - {kind: sentry, secret: env:SENTRY_DSN}
      - {kind: datadog, secret: env:DD}
      - {kind: datadog, secret: env:DD_EU, url: "https://api.datadoghq.eu/"}
      - {kind: webhook, url: "https://hooks.example.com/2", secret: store:W2}
      - {kind: email, email: lead@example.com}
      - {kind: notify}
    remind: 0s
    resolved: false
  everything: {}
  mail: {to: {kind: email, email: [a@example.com, b@example.com]}}
incidents: {open_after: 5s, degraded_after: 1m, close_after: 2m, merge_within: 1h}
"""
    snapshot = loaded(BASE + NOTIFY + text).snapshot
    on_call, everything, mail = snapshot.alerts
    assert on_call == Rule(
        name="on-call", kinds=["incident", "contract.drift"], severity="critical", integrations=["stripe"],
        remind=0.0, resolved=False,
        targets=[
            Target(kind="slack", name="slack", secret="store:SLACK"),
            Target(kind="slack", name="slack-2", secret="store:SLACK_2"),
            Target(kind="sentry", name="sentry", secret="env:SENTRY_DSN"),
            Target(kind="datadog", name="datadog", secret="env:DD", url="https://api.datadoghq.com"),
            Target(kind="datadog", name="datadog-2", secret="env:DD_EU", url="https://api.datadoghq.eu"),
            Target(kind="webhook", name="webhook", url="https://hooks.example.com/2", secret="store:W2"),
            Target(kind="email", name="email", email=["lead@example.com"], smtp=MAIL.smtp, smtp_user=MAIL.smtp_user,
                   secret=MAIL.secret, sender=MAIL.sender),
            Target(kind="webhook", name="webhook-2", url="https://hooks.example.com/t", secret="store:W"),
            Target(kind="email", name="email-2", email=["ops@example.com"], smtp=MAIL.smtp, smtp_user=MAIL.smtp_user,
                   secret=MAIL.secret, sender=MAIL.sender),
        ],
    )  # fmt: skip
    assert everything == Rule(name="everything", targets=[HOOK, MAIL])
    assert [target.email for target in mail.targets] == [["a@example.com", "b@example.com"]]
    assert snapshot.incidents == IncidentTimes(
        open_after=5.0, degraded_after=60.0, close_after=120.0, merge_within=3600.0
    )
    assert snapshot.notify.console_url == "https://console.example.com"


def test_without_rules_notify_is_told_from_warnings_on(loaded: Load) -> None:
    assert loaded(BASE + NOTIFY).snapshot.alerts == [Rule(name="default", targets=[HOOK, MAIL])]
    assert loaded(BASE).snapshot.alerts == []
    assert loaded(BASE).snapshot.incidents == IncidentTimes()


def test_what_rules_send_with_is_resolved_with_all_other_references(loaded: Load) -> None:
    run = loaded(BASE + "alerts: {a: {to: {kind: slack, secret: store:SLACK}}}\n")
    assert run.refs == ["env:A", "env:B", "store:SLACK"]
    assert list(references(run.snapshot.alerts)) == ["store:SLACK"]


def test_a_rule_takes_what_it_names() -> None:
    rule = Rule(name="a", kinds=["incident", "contract.drift"], severity="warning", integrations=["stripe"])
    assert rule.takes("incident", "critical", "stripe")
    assert rule.takes("incident.vendor", "warning", "stripe")
    assert not rule.takes("incidental", "critical", "stripe")
    assert not rule.takes("contract", "critical", "stripe")
    assert not rule.takes("incident", "info", "stripe")
    assert not rule.takes("incident", "critical", "openai")
    assert Rule(name="all").takes("anything.at.all", "warning", "")


@pytest.mark.parametrize(
    ("alert", "code", "item", "says"),
    [
        ("a: {to: {kind: slak, secret: store:S}}", "bad-value", "a.to.kind", "slack"),
        ("a: {to: {kind: slack}}", "missing-key", "a.to", "whose value is the URL that Slack gave"),
        ("a: {to: [{kind: slack, secret: 'https://hooks.slack.com/services/x'}]}", "literal-secret", "a.to[0].secret", "not shown"),
        ("a: {to: {kind: slack, secret: store:S, url: 'https://x.example.com'}}", "unused-key", "a.to.url", "means nothing to `slack`"),
        ("a: {to: {kind: sentry}}", "missing-key", "a.to", "store:SENTRY_DSN"),
        ("a: {to: {kind: datadog}}", "missing-key", "a.to", "store:DATADOG_API_KEY"),
        ("a: {to: {kind: datadog, secret: env:DD, url: 'http://api.example.com'}}", "bad-address", "a.to.url", "Use https"),
        ("a: {to: {kind: webhook, secret: store:W}}", "missing-key", "a.to", "needs `url`"),
        ("a: {to: {kind: webhook, url: 'https://h.example.com'}}", "missing-secret", "a.to", "must be signed"),
        ("a: {to: {kind: email, email: a@example.com}}", "missing-key", "a.to", "the mail server and the sender of `notify`"),
        ("a: {to: {kind: email}}", "missing-key", "a.to", "needs `email`"),
        ("a: {to: {kind: notify}}", "missing-key", "a.to", "names nobody"),
        ("a: {}", "missing-key", "a", "names nobody"),
        ("a: {integrations: [strip], to: {kind: sentry, secret: env:D}}", "unknown-integration", "a.integrations[0]", "`stripe`?"),
        ("a: {severity: bad, to: {kind: sentry, secret: env:D}}", "bad-value", "a.severity", "critical"),
        ("a: {kinds: ['Incident!'], to: {kind: sentry, secret: env:D}}", "bad-value", "a.kinds[0]", ""),
        ("a: {remind: 1s, to: {kind: sentry, secret: env:D}}", "bad-value", "a.remind", "1m to 30d, or 0s"),
        ("'a b': {to: {kind: sentry, secret: env:D}}", "bad-name", "a b", "letters"),
    ],
)  # fmt: skip
def test_what_could_reach_nobody_is_refused(
    refused: Refused, alert: str, code: str, item: str, says: str
) -> None:
    faults = [f for f in refused(BASE + f"alerts:\n  {alert}\n") if f.code == code]
    (fault,) = faults
    assert fault.item == f"alerts.{item}"
    assert says in f"{fault.message} {fault.cure}"


def test_times_of_incidents_have_bounds(refused: Refused) -> None:
    (fault,) = refused(BASE + "incidents: {close_after: 2d}\n")
    assert (fault.code, fault.item, fault.cure) == ("bad-value", "incidents.close_after", "Give 1s to 1d.")
    (fault,) = refused(BASE + "notify: {console_url: console.example.com}\n")
    assert (fault.code, fault.item) == ("bad-address", "notify.console_url")
