"""People and keys on a running `trunkline serve`: coming in by a provider, making keys, losing rights, guessing, renewing, review.

The provider is ours (`tests/support/provider.py`): it speaks discovery, PKCE, keys and RS256, and lies on demand.
"""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.caller import Answer
from tests.support.folders import contents
from tests.support.polling import eventually
from tests.support.ports import spare_port
from tests.support.processes import HANGS_S
from tests.support.provider import CLIENT, SECRET, Provider, running_provider
from tests.support.serve import Served

pytestmark = pytest.mark.row("W1")

REGISTRY = """version: 1
integrations:
  crm: {{base_url: "http://127.0.0.1:1", auth: {{kind: none}}}}
sign_in:
  oidc:
    issuer: {issuer}
    client_id: {client}
    client_secret: env:OIDC_SECRET
    roles: {{claim: groups, developer: [shop-devs]}}
    teams: {{claim: groups, names: {{shop: [shop-devs]}}}}
jwt:
  ci: {{issuer: "{issuer}", audience: calls, scopes: ["integration:crm"]}}
"""


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with running_provider() as running:
        yield running


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[Served]:
    one = Served(tmp_path_factory.mktemp("people"))
    one.environ["OIDC_SECRET"] = SECRET
    one.registry.write_text(REGISTRY.format(issuer=provider.issuer, client=CLIENT))
    try:
        one.console = spare_port()
        one.start("--console-port", str(one.console))
        told(one, "teams", "create", "shop")
        eventually(lambda: listens(one.console), "the console")
        yield one
    finally:
        one.end()
    held = contents(one.state)
    kept = b"".join(data for path, data in held.items() if path.name != "secrets.sealed")
    assert SECRET.encode() not in kept + one.said.encode()


def told(served: Served, *arguments: str, code: int = 0) -> Any:
    """What a command answers with `--json`."""
    ran = served.run(*arguments, "--json")
    assert ran.returncode == code, (ran.returncode, ran.stdout, ran.stderr)
    return json.loads(ran.stdout)


def asked(port: int, method: str, path: str, headers: dict[str, str], body: Any = None) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HANGS_S)
    try:
        data = None if body is None else json.dumps(body).encode()
        connection.request(method, path, data, {"content-type": "application/json", **headers})
        answer = connection.getresponse()
        return Answer(answer.status, [(n.lower(), v) for n, v in answer.getheaders()], answer.read())
    finally:
        connection.close()


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def browsed(
    served: Served, method: str, path: str, cookie: str = "", body: Any = None, **more: str
) -> Answer:
    headers = {"cookie": cookie} if cookie else {}
    return asked(served.console, method, path, headers | more, body)


def called(served: Served, key: str) -> Answer:
    """A call that reaches no vendor; what its answer says is whether the key was let in."""
    port = served.facts("gateway.json")["port"]
    return asked(port, "GET", "/api/proxy/crm/items", {"authorization": f"Bearer {key}"})


def refused(served: Served, key: str) -> bool:
    """Not let in; asked often enough, the address is locked out besides."""
    return called(served, key).status in (401, 429)


def signed_in(served: Served, provider: Provider) -> Answer:
    """The way of a browser: to the provider and back."""
    away = browsed(served, "GET", "/sign-in/oidc")
    assert away.status == 303, away.body
    question = str(away.field("set-cookie")).partition(";")[0]
    back = urlsplit(provider.authorize(str(away.field("location"))))
    return browsed(served, "GET", f"{back.path}?{back.query}", question)


def session_of(answer: Answer) -> str:
    found = [
        value
        for name, value in answer.headers
        if name == "set-cookie" and value.startswith("trunkline_session=")
    ]
    return found[0].partition(";")[0] if found else ""


def rows(served: Served, action: str) -> list[dict[str, Any]]:
    ran = served.run("audit", "log", "--action", action, "--json")
    return [json.loads(line) for line in ran.stdout.splitlines()]


def test_a_hundred_wrong_keys_lock_an_address_out_and_right_ones_pass(served: Served) -> None:
    key = told(served, "keys", "create", "--name", "right", "--scope", "integration:crm")["key"]
    seen = [called(served, f"tl_wrong{n:03d}") for n in range(101)]
    assert [answer.status for answer in seen] == [401] * 100 + [429]
    assert seen[-1].json["code"] == "caller_rate_limited"
    assert seen[-1].json["retryAt"]
    assert not refused(served, key), "who has a key is not locked out by a neighbour"
    [locked] = eventually(lambda: told(served, "users", "locked"), "the console to tell of it")
    assert (locked["subject"], locked["plane"], locked["failures"]) == ("address:127.0.0.1", "calls", 100)
    assert [row["subject"] for row in rows(served, "auth.lockout")] == ["address:127.0.0.1"]

    assert served.run("users", "unlock", "127.0.0.1").returncode == 0
    eventually(lambda: called(served, "tl_wrong").status == 401, "the lock to be lifted")


@pytest.mark.row("W1", "G1")
def test_a_person_comes_in_by_the_provider_and_gives_no_key_more_than_they_have(
    served: Served, provider: Provider
) -> None:
    came = signed_in(served, provider)
    assert came.status == 200, came.body
    session = session_of(came)
    assert {"/.well-known/openid-configuration", "/token", "/jwks"} <= set(provider.asked)
    me = browsed(served, "GET", "/api/session", session).json
    assert (me["name"], me["role"], me["teams"]) == ("ana", "developer", ["shop"])
    assert rows(served, "session.open")[-1]["detail"]["way"] == "oidc"

    csrf = {"x-csrf-token": me["csrf"]}
    wish = {"name": "anas", "scopes": ["integration:crm"]}
    assert (
        browsed(served, "POST", "/api/users", session, {"name": "bo", "role": "admin"}, **csrf).status == 403
    )
    for beyond in ({"role": "admin"}, {"team": "ops"}):
        assert browsed(served, "POST", "/api/keys", session, {**wish, **beyond}, **csrf).status == 400
    made = browsed(served, "POST", "/api/keys", session, wish, **csrf).json
    assert not refused(served, made["key"])

    told(served, "users", "update", "ana", "--role", "viewer")
    eventually(lambda: refused(served, made["key"]), "the key to rest with its maker's role")
    told(served, "users", "update", "ana", "--role", "developer")
    eventually(lambda: not refused(served, made["key"]), "the key to work again")


@pytest.mark.parametrize(
    ("lie", "algorithm"),
    [
        ({"nonce": "other"}, "RS256"),
        ({"iss": "https://evil.example"}, "RS256"),
        ({"aud": "other"}, "RS256"),
        ({"exp": 1}, "RS256"),
        ({}, "none"),
        ({}, "HS256"),
    ],
    ids=["nonce", "issuer", "audience", "expired", "unsigned", "another algorithm"],
)
def test_an_identity_that_does_not_hold_opens_nothing(
    served: Served, provider: Provider, lie: dict[str, Any], algorithm: str
) -> None:
    provider.lie, provider.algorithm = lie, algorithm
    try:
        came = signed_in(served, provider)
    finally:
        provider.lie, provider.algorithm = {}, "RS256"
    assert (came.status, session_of(came)) == (403, "")


def test_a_service_calls_with_a_token_of_the_provider(served: Served, provider: Provider) -> None:
    now = time.time()
    good = {"iss": provider.issuer, "aud": "calls", "sub": "svc-7", "iat": now, "exp": now + 300}
    eventually(lambda: not refused(served, provider.token(good)), "the provider's keys to be known")
    for lie in ({"aud": "other"}, {"iss": "https://evil.example"}, {"exp": now - 300}):
        assert refused(served, provider.token({**good, **lie})), lie
    provider.algorithm = "none"
    try:
        assert refused(served, provider.token(good))
    finally:
        provider.algorithm = "RS256"


def test_a_link_and_a_password_open_a_session_each_and_a_used_link_none(served: Served) -> None:
    link = urlsplit(told(served, "console", "link")["link"])
    for came, opened in ((1, True), (2, False)):
        answer = browsed(served, "GET", f"{link.path}?{link.query}")
        assert bool(session_of(answer)) is opened, came
    words = "correct horse battery staple"
    made = served.run(
        "users", "create", "jan", "--role", "operator", "--all-teams", "--password", stdin=f"{words}\n"
    )
    assert made.returncode == 0, made.stderr
    for password, opened in (("wrong horse battery staple", False), (words, True)):
        answer = browsed(served, "POST", "/sign-in", "", {"user": "jan", "password": password})
        assert bool(session_of(answer)) is opened, answer.body
    assert words.encode() not in (served.state / "control.db").read_bytes()


def test_a_key_is_renewed_while_both_texts_work_and_then_one(served: Served) -> None:
    first = told(served, "keys", "create", "--name", "renewed", "--scope", "integration:crm")
    second = told(served, "keys", "rotate", "renewed", "--overlap", "1h")
    assert second["id"] == first["id"]
    eventually(lambda: not refused(served, second["key"]), "the new text to work")
    assert not refused(served, first["key"]), "the old one works on"
    third = told(served, "keys", "rotate", "renewed", "--overlap", "0s")
    eventually(lambda: not refused(served, third["key"]), "the newest text to work")
    eventually(lambda: refused(served, second["key"]), "the one before to end")
    assert len({row["subject"] for row in rows(served, "key.rotate")}) == 1


@pytest.mark.row("G1")
def test_a_chain_that_was_tampered_with_tells_where_and_what_to_do(served: Served, tmp_path: Path) -> None:
    assert told(served, "audit", "verify")["ok"]
    shutil.copytree(served.state, tmp_path / "taken", ignore=shutil.ignore_patterns("journal", "*.lock"))
    with sqlite3.connect(tmp_path / "taken" / "control.db") as connection:
        connection.execute("DROP TRIGGER audit_keeps_text")
        connection.execute("UPDATE audit SET actor = 'cli:nobody' WHERE seq = 2")
    connection.close()
    ran = served.run("audit", "verify", "--state-dir", str(tmp_path / "taken"))
    assert ran.returncode == 1
    assert "row 2 was changed after it was written" in ran.stderr
    assert "trunkline restore" in ran.stderr


@pytest.mark.row("G3", "S4")
def test_the_review_has_evidence_for_each_item_and_is_signed(served: Served) -> None:
    review = told(served, "audit", "baseline", code=1)
    checks = {check["id"]: check for check in review["checks"]}
    assert {
        "secrets",
        "identity",
        "records",
        "rotation",
        "kill",
        "keys",
        "access",
        "runbooks",
        "contracts",
    } <= set(checks)
    assert [check["id"] for check in review["checks"] if not check["evidence"]] == []
    assert checks["kill"]["evidence"][0].startswith("measured now: a killed key was refused after ")
    assert (review["every"], review["overdue"]) == ("quarterly", False)
    names = [one["id"] for one in review["access"]]
    decided = told(
        served, "audit", "baseline", *(word for name in names for word in ("--keep", name)), code=1
    )
    assert {one["decision"] for one in decided["access"]} == {"keep"}
    signed = told(served, "audit", "sign-off", "--by", "ana", "--note", "the rest is planned")
    assert [one["digest"] for one in told(served, "audit", "reviews")] == [signed["digest"]]
    assert told(served, "audit", "verify")["ok"]
