"""What the kills file says, and which running calls must end for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from trunkline.core.call import Caller, Live, Member, Target
from trunkline.core.errors import CallError
from trunkline.core.exchange import Attempt, Exchange
from trunkline.engine.world import Dead
from trunkline.gateway.kills import Kills, ended, read
from trunkline.testing import Heard, Trial, caller_key, request, service

pytestmark = pytest.mark.row("S4")


def test_the_last_line_about_each_subject_counts(tmp_path: Path) -> None:
    (tmp_path / "kills").write_text(
        '{"at": 1, "what": "key", "subject": "key_1", "dead": true}\n'
        '{"at": 2, "what": "credential", "subject": "env:A", "dead": true, "why": "leaked"}\n'
        '{"at": 3, "what": "integration", "subject": "acme", "dead": true, "why": "wrong amounts"}\n'
        '{"at": 4, "what": "integration", "subject": "other", "dead": true}\n'
        '{"at": 5, "what": "integration", "subject": "other", "dead": false}\n'
        '{"at": 6, "what": "key", "sub'
    )
    assert read(tmp_path / "kills") == Kills(
        frozenset({"key_1"}), Dead(frozenset({"env:A"}), {"acme": "wrong amounts"})
    )
    assert read(tmp_path / "nothing") == Kills()


def running(**attempt: Any) -> Exchange:
    """A call of key-1 that waits for acme's answer."""
    exchange = Exchange(request(), Heard(), "call-1", 1.0, 2.0)
    exchange.caller = Caller(caller_key())
    target = Target(Live(service()), Member("env:ACME_KEY", 1, None, b"", b""))
    exchange.attempt = Attempt(exchange, target, 1, 1.0)
    exchange.attempt.response = object()
    for name, value in attempt.items():
        setattr(exchange.attempt, name, value)
    return exchange


@pytest.mark.parametrize(
    ("kills", "code"),
    [
        (Kills(frozenset({"key-1"})), "unauthenticated"),
        (Kills(frozenset({"key-2"})), None),
        (Kills(vendors=Dead(frozenset({"env:ACME_KEY"}))), "secret_unavailable"),
        (Kills(vendors=Dead(integrations={"acme": "wrong amounts"})), "disabled"),
        (Kills(vendors=Dead(frozenset({"env:OTHER"}), {"other": ""})), None),
    ],
)
def test_a_call_ends_when_its_key_its_credential_or_its_integration_died(
    kills: Kills, code: str | None
) -> None:
    error = ended(running(), kills)
    assert (error.code if error is not None else None) == code


def test_the_reason_is_told() -> None:
    error = ended(running(), Kills(vendors=Dead(integrations={"acme": "wrong amounts"})))
    assert error is not None
    assert (
        error.message
        == "integration 'acme' is disabled (wrong amounts); `trunkline integrations enable acme`"
    )


def test_a_call_that_asks_no_dead_vendor_just_now_goes_on() -> None:
    dead = Kills(vendors=Dead(integrations={"acme": ""}))
    assert ended(running(response=None), dead) is None
    assert ended(running(error=CallError("network", "x")), dead) is None


async def test_a_cut_stream_of_a_dead_key_ends_with_an_error_of_its_dialect_and_is_not_tried_again() -> None:
    trial = Trial(lambda sent: sent.begin(), lambda sent: sent.reply(200, b"{}"))
    body = b'{"model":"acme/tiny","stream":true,"messages":[]}'
    heard = trial.begin("POST", "/v1/chat/completions", body)
    await trial.turn()
    trial.wire.sent[0].piece(b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n')
    await trial.turn()
    (exchange,) = trial.gateway.running
    error = ended(exchange, Kills(frozenset({"key-1"})))
    assert error is not None
    trial.gateway.cut(exchange, error)
    await trial.until(lambda: heard.closed)
    await trial.turn()

    assert b'"content":"a"' in heard.body
    assert b"was revoked" in heard.body
    assert (len(trial.wire.sent), trial.ends[0].code) == (1, "unauthenticated")
