"""A grant holds for one request, once, for a minute, and never for more than its key may now."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.core.call import Caller
from trunkline.core.deferral import Bearer
from trunkline.core.errors import CallError
from trunkline.core.service import Callers
from trunkline.plugins.policies import tokens
from trunkline.plugins.policies.access import Access
from trunkline.plugins.policies.grants import Grants, minted, webhook_secret
from trunkline.testing import caller_key, request

KEY = b"token-key-of-tests"
NOW = 1_795_262_400.0
TARGET = "/api/proxy/crm/items"
BEARER = Bearer(key="key-1", scopes=["*"])


def grant(bearer: Bearer = BEARER, **changes: Any) -> str:
    given_: dict[str, Any] = {"method": "POST", "target": TARGET, "token_key": KEY, "now": NOW}
    return minted("tsk_1", bearer, **{**given_, **changes})


def asking(text: str, method: str = "POST", target: str = TARGET, task: str = "tsk_1") -> Any:
    return request(method, target, b"{}", ("idempotency-key", task), ("x-trunkline-key", text), key="")


def access(now: float = NOW, *, dead: tuple[str, ...] = (), **key: Any) -> Access:
    made = Access(Callers(version="1", keys=[caller_key(**key)]), b"pepper", KEY, wall=lambda: now)
    made.dead = frozenset(dead)
    return made


def refused(access_: Access, asked: Any) -> str:
    with pytest.raises(CallError) as caught:
        access_.identify(asked)
    assert caught.value.code == "unauthenticated"
    return caught.value.message


def test_it_makes_its_bearer_the_caller() -> None:
    bearer = Bearer(key="key-1", token="tok-7", scopes=["integration:crm"], subject="user-7", spend_usd=0.5)
    caller = access(team="shop", ips=["10.0.0.0/8"], origins=["https://shop.test"]).identify(
        asking(grant(bearer))
    )
    assert (caller.id, caller.task, caller.token_id, caller.subject, caller.spend_usd) == (
        "key-1", "tsk_1", "tok-7", "user-7", 0.5,
    )  # fmt: skip
    assert (caller.everything, caller.integrations, caller.key.team, caller.key.ips) == (
        False,
        {"crm"},
        "shop",
        [],
    )


def test_it_never_allows_more_than_the_key_may_now() -> None:
    caller = access(scopes=["integration:stripe"]).identify(
        asking(grant(Bearer(key="key-1", scopes=["integration:crm"])))
    )
    assert (caller.everything, caller.integrations, caller.operations) == (False, set(), set())


@pytest.mark.parametrize(
    "asked",
    [
        asking(grant(), method="GET"),
        asking(grant(), target=TARGET + "/1"),
        asking(grant(), task="tsk_2"),
        asking(grant(now=NOW - 60)),
        asking(grant(token_key=b"another")),
        asking(grant(token_key=b"")),
        asking("tli_"),
        asking("tli_e30.e30"),
    ],
    ids=["method", "target", "task", "late", "other key", "no key", "empty", "no grant"],
)
def test_it_holds_for_its_own_request_only(asked: Any) -> None:
    assert refused(access(), asked) == "this internal grant does not hold"


def test_it_is_taken_once() -> None:
    gate, asked = access(), asking(grant())
    gate.identify(asked)
    assert refused(gate, asked) == "this internal grant does not hold"
    gate.identify(asking(grant()))


def test_it_ends_with_its_key() -> None:
    assert "was revoked" in refused(access(id="key-2"), asking(grant()))
    assert "was revoked" in refused(access(dead=("key-1",)), asking(grant()))
    assert "has expired" in refused(access(expires_at=NOW), asking(grant()))


TEXT = grant().encode()


@given(st.integers(4, len(TEXT) - 1), st.integers(0, 255))
def test_an_altered_one_never_opens(at: int, byte: int) -> None:
    altered = TEXT[:at] + bytes([byte]) + TEXT[at + 1 :]
    if altered == TEXT:
        return
    try:
        found = Grants().open(altered, asking(""), KEY, NOW)
    except CallError:
        return
    # The last character of base64 holds bits that mean nothing: it is then the same grant in another spelling.
    assert found == Grants().open(TEXT, asking(""), KEY, NOW)


def test_a_browser_token_is_no_grant_and_a_grant_no_browser_token() -> None:
    parent = Caller(caller_key(kind="browser"))
    text, _ = tokens.minted(
        parent, origin="https://shop.test", subject="", scopes=[], spend_usd=0.0, ttl_s=60, token_key=KEY, now=NOW
    )  # fmt: skip
    assert refused(access(), asking("tli_" + text[4:])) == "this internal grant does not hold"
    assert "not made by this installation" in refused(access(), asking("tlb_" + grant()[4:]))


def test_each_key_has_its_own_signing_secret() -> None:
    secrets = [webhook_secret(KEY, "key-1"), webhook_secret(KEY, "key-2"), webhook_secret(b"other", "key-1")]
    assert len(set(secrets)) == 3
    assert all(len(base64.b64decode(secret.removeprefix("whsec_"))) == 24 for secret in secrets)
