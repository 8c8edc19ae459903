"""Notices: signed as Standard Webhooks say, mailed over TLS alone, and what went wrong is said without a secret."""

from __future__ import annotations

import base64
import hmac
import json
import ssl
from collections.abc import Iterator
from email import message_from_string
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.alert_shapes import check_datadog, check_sentry, check_slack
from tests.support.alerts import told as alert
from tests.support.certificates import Authority
from tests.support.mail import PASSWORD, running_mail_server
from tests.support.site import CLOSE, Site, reply, running_site
from trunkline.core.alerting import Target
from trunkline.core.flow import Notify
from trunkline.ops.notify import Delivery, Sent, body_of, send, tell

KEY = b"a-test-key-that-is-not-a-real-one"
SECRETS = {
    "env:HOOK": "whsec_" + base64.b64encode(KEY).decode(),
    "env:MAIL": PASSWORD,
    "env:ODD": "whsec_%%%",
    "env:EMPTY": "whsec_",
}
NOW = 1_795_262_400.25
PAYLOAD = {"text": "The budget 'shop' has reached 50%.", "budget": "shop", "spent_usd": 5.0}


def secret(ref: str) -> str:
    if ref not in SECRETS:
        raise ValueError("it does not resolve")
    return SECRETS[ref]


def told(notify: Notify, **options: Any) -> Delivery:
    return send(notify, "budget.share", PAYLOAD, secret=secret, wall=lambda: NOW, **options)


@pytest.fixture
def site() -> Iterator[Site]:
    with running_site() as running:
        yield running


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def hook(site: Site, **changes: Any) -> Notify:
    return Notify(**{"webhook": f"{site.address}/in?x=1", "webhook_secret": "env:HOOK", **changes})


@pytest.mark.row("O2", "L4")
def test_a_webhook_is_signed_and_says_what_happened(site: Site) -> None:
    delivery = told(hook(site), message_id="msg_1")
    assert delivery == Delivery(
        id="msg_1", event="budget.share", at=NOW, sent=[Sent("webhook", "127.0.0.1", ok=True)]
    )
    assert (delivery.ok, delivery.channels) == (True, {"webhook"})
    seen = site.last
    assert (seen.line, seen.json) == (
        "POST /in?x=1 HTTP/1.1",
        {
            "type": "budget.share",
            "timestamp": "2026-11-21T12:00:00Z",
            "text": PAYLOAD["text"],
            "data": PAYLOAD,
        },
    )
    signed = hmac.digest(KEY, b"msg_1.1795262400." + seen.body, "sha256")
    assert (seen.field("webhook-id"), seen.field("webhook-timestamp"), seen.field("webhook-signature")) == (
        "msg_1", "1795262400", "v1," + base64.b64encode(signed).decode(),
    )  # fmt: skip


def test_slack_gets_the_text_alone() -> None:
    for host in ("hooks.slack.com", "hooks.slack-gov.com"):
        assert json.loads(body_of(host, "budget.share", PAYLOAD, NOW)) == {"text": PAYLOAD["text"]}
    assert json.loads(body_of("notslack.com", "x", {}, NOW))["text"] == "Trunkline: x"


def test_each_notice_has_an_id_of_its_own(site: Site) -> None:
    assert told(hook(site)).id != told(hook(site)).id
    assert len({seen.field("webhook-id") for seen in site.seen}) == 2


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (reply(status="503 Busy"), "it answered 503"),
        (reply(status="302 Found"), "it answered 302; redirects are not followed"),
        (CLOSE, "ResetBeforeReply"),
    ],
)  # fmt: skip
def test_a_webhook_that_did_not_arrive_is_said(site: Site, answer: bytes, detail: str) -> None:
    site.script.append(answer)
    delivery = told(hook(site))
    assert not delivery.ok
    assert delivery.sent[0].detail.startswith(detail)
    assert len(site.seen) == 1, "trying again is somebody else's business"


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"webhook": "http://hooks.test/in"}, "the address of notify.webhook is not https"),
        ({"webhook": "ftp://hooks.test/in"}, "the address of notify.webhook is not https"),
        ({"webhook_secret": "env:GONE"}, "env:GONE cannot be had: it does not resolve"),
        ({"webhook_secret": "env:EMPTY"}, "env:EMPTY is no signing secret"),
        (
            {"webhook_secret": "env:ODD"},
            "env:ODD is no signing secret: it must be whsec_ and the base64 of 16 bytes or more",
        ),
        ({"webhook": "https://169.254.169.254/in"}, "AddressDenied"),
    ],
)
def test_what_cannot_be_sent_is_not(site: Site, changes: dict[str, Any], detail: str) -> None:
    (sent,) = told(hook(site, **changes)).sent
    assert sent.detail.startswith(detail)
    assert site.seen == []


def mail(port: int, **changes: Any) -> Notify:
    given = {
        "email": ["ops@example.com", "lead@example.com"],
        "sender": "trunkline@example.com",
        "smtp": f"smtp://127.0.0.1:{port}",
    }
    return Notify(**{**given, **changes})


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_mail_goes_over_tls_with_user_and_password(authority: Authority, scheme: str) -> None:
    trust = ssl.create_default_context(cafile=str(authority.file))
    options = {"wrapped": scheme == "smtps", "user": "trunkline"}
    with running_mail_server(authority.server("127.0.0.1"), **options) as server:
        notify = mail(
            server.port,
            smtp=f"{scheme}://127.0.0.1:{server.port}",
            smtp_user="trunkline",
            smtp_secret="env:MAIL",
        )
        delivery = told(notify, tls=lambda: trust, message_id="msg_1")
    assert delivery.sent == [Sent("email", "ops@example.com, lead@example.com", ok=True)]
    assert server.plain == ([] if scheme == "smtps" else ["EHLO", "STARTTLS"])
    ((to, text),) = server.mails
    letter = message_from_string(text)
    assert (to, letter["From"], letter["To"], letter["Subject"], letter["Message-ID"]) == (
        ["ops@example.com", "lead@example.com"], "trunkline@example.com", "ops@example.com, lead@example.com", PAYLOAD["text"],
        "<msg_1@trunkline>",
    )  # fmt: skip
    assert str(letter.get_payload()).splitlines() == [PAYLOAD["text"], "", "budget: shop", "spent_usd: 5.0"]


@pytest.mark.parametrize(
    ("options", "changes", "detail"),
    [
        ({"tls": False}, {}, "the mail server 127.0.0.1 offers no STARTTLS, and mails go out encrypted only"),
        ({"stranger": True}, {}, "SSLCertVerificationError"),
        (
            {"user": "trunkline"},
            {"smtp_user": "wrong", "smtp_secret": "env:MAIL"},
            "the mail server refused user and password (535)",
        ),
        ({}, {"smtp_user": "x", "smtp_secret": "env:GONE"}, "env:GONE cannot be had"),
        ({"refuses": "lead@"}, {}, "the mail server refused lead@example.com"),
        ({}, {"smtp": "http://127.0.0.1"}, "notify.smtp is no smtp:// or smtps:// address"),
        ({}, {"smtp": "smtp://127.0.0.1:9"}, "ConnectionRefusedError"),
    ],
    ids=str,
)
def test_a_mail_that_did_not_go_is_said(
    authority: Authority, tmp_path: Path, options: dict[str, Any], changes: dict[str, Any], detail: str
) -> None:
    trust = ssl.create_default_context(cafile=str(authority.file))
    issuer = Authority(tmp_path, "A stranger") if options.pop("stranger", False) else authority
    tls = issuer.server("127.0.0.1") if options.pop("tls", True) else None
    with running_mail_server(tls, **options) as server:
        delivery = told(mail(server.port, **changes), tls=lambda: trust)
    (sent,) = delivery.sent
    assert (sent.ok, sent.detail.startswith(detail)) == (False, True), sent
    assert PASSWORD not in sent.detail
    assert server.mails == [] or "refuses" in options


def test_nothing_of_a_payload_begins_a_header_of_its_own(authority: Authority) -> None:
    trust = ssl.create_default_context(cafile=str(authority.file))
    with running_mail_server(authority.server("127.0.0.1")) as server:
        text = "One\r\nBcc: thief@example.com"
        delivery = send(mail(server.port), "x", {"text": text}, secret=secret, tls=lambda: trust)
    assert delivery.ok
    assert message_from_string(server.mails[0][1])["Bcc"] is None


def test_channels_that_were_told_are_skipped_and_nobody_is_an_answer_too(site: Site) -> None:
    both = hook(site, email=["ops@example.com"], smtp="smtp://127.0.0.1:9")
    assert [one.channel for one in told(both, skip=["webhook"]).sent] == ["email"]
    assert site.seen == []
    nobody = told(Notify())
    assert (nobody.ok, nobody.sent) == (True, [])


SLACK_URL, DSN, DD_KEY = "slack-test", "sentry-test", "datadog-test"


def rule_of(site: Site) -> tuple[list[Target], dict[str, str]]:
    """One target of each kind, all at this site, and the values behind their references."""
    targets = [
        Target(kind="webhook", name="webhook", url=f"{site.address}/hook", secret="env:HOOK"),
        Target(kind="slack", name="slack", secret=SLACK_URL),
        Target(kind="sentry", name="sentry", secret=DSN),
        Target(kind="datadog", name="datadog", secret=DD_KEY, url=site.address),
    ]
    port = site.port
    values = {
        SLACK_URL: f"{site.address}/services/T0/B0/not-a-real-one",
        DSN: f"http://0123456789abcdef@127.0.0.1:{port}/42",
        DD_KEY: "0" * 32,
        **SECRETS,
    }
    return targets, values


@pytest.mark.row("O3")
def test_an_alert_reaches_every_kind_of_target_in_its_form(site: Site) -> None:
    targets, values = rule_of(site)
    payload = msgspec.to_builtins(alert())
    delivery = tell(
        targets, "alert.firing", payload, secret=values.__getitem__, wall=lambda: NOW, message_id="msg_1"
    )
    assert [(one.channel, one.where, one.ok) for one in delivery.sent] == [
        (name, "127.0.0.1", True) for name in ("webhook", "slack", "sentry", "datadog")
    ]
    hooked, slack, sentry, datadog = site.seen
    assert hooked.json["data"] == payload
    assert hooked.json["type"] == "alert.firing"
    assert slack.target == "/services/T0/B0/not-a-real-one"
    assert check_slack(slack.body)["text"] == payload["text"]
    assert sentry.target == "/api/42/envelope/"
    assert check_sentry(sentry.body)["logentry"]["formatted"] == payload["items"][0]["title"]
    assert (datadog.target, datadog.field("dd-api-key")) == ("/api/v1/events", "0" * 32)
    assert check_datadog(datadog.body)["alert_type"] == "error"


@pytest.mark.row("O3")
def test_what_a_vendor_refuses_is_said_in_its_words_and_without_secrets(site: Site) -> None:
    targets, values = rule_of(site)
    site.script.append(reply(b"invalid_blocks", status="400 Bad Request"))
    delivery = tell(
        [targets[1]],
        "alert.firing",
        msgspec.to_builtins(alert()),
        secret=values.__getitem__,
        wall=lambda: NOW,
    )
    assert delivery.sent == [Sent("slack", "127.0.0.1", ok=False, detail="it answered 400: invalid_blocks")]


@pytest.mark.parametrize(
    ("kind", "value", "detail"),
    [
        ("slack", "xoxb-not-a-url", "env:X: what stands there is no web address"),
        ("slack", "http://hooks.example.com/services/x", "the address of slack is not https"),
        ("sentry", "https://o1.example.com/42", "env:X: what stands there is no DSN"),
        ("datadog", "key with spaces", "env:X: what stands there is no API key"),
    ],
)
def test_a_secret_of_another_form_is_named_by_its_reference_alone(kind: str, value: str, detail: str) -> None:
    target = Target(kind=kind, name=kind, secret="env:X", url="https://api.example.com")  # type: ignore[arg-type]
    delivery = tell([target], "x", {"text": "t"}, secret=lambda ref: value)
    (sent,) = delivery.sent
    assert sent.detail.startswith(detail)
    assert value not in sent.detail


def test_a_reference_that_nothing_stands_behind_is_said() -> None:
    target = Target(kind="slack", name="slack", secret="env:GONE")
    (sent,) = tell([target], "x", {"text": "t"}, secret={}.__getitem__).sent
    assert sent.detail == "env:GONE cannot be had: it does not resolve"


@pytest.mark.row("O3")
def test_an_alert_goes_by_mail_and_its_end_to_the_same_thread(authority: Authority) -> None:
    trust = ssl.create_default_context(cafile=str(authority.file))
    with running_mail_server(authority.server("127.0.0.1")) as server:
        target = Target(
            kind="email", name="email-2", email=["ops@example.com"], sender="t@example.com", smtp=f"smtp://127.0.0.1:{server.port}"
        )  # fmt: skip
        for phase in ("firing", "resolved"):
            payload = msgspec.to_builtins(alert(phase))
            delivery = tell([target], f"alert.{phase}", payload, secret=secret, tls=lambda: trust)
            assert delivery.sent == [Sent("email-2", "ops@example.com", ok=True)]
    first, end = (message_from_string(text) for _, text in server.mails)
    assert (first["X-Trunkline-Event"], end["X-Trunkline-Event"]) == ("alert.firing", "alert.resolved")
    assert first["References"] == end["References"] is not None
    assert "runbook: https://console.example.com/runbooks/stripe" in str(first.get_payload())
