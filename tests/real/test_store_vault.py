"""`vault:` against a real OpenBao: KV version 1 and 2, versions, three logins, leases that are prolonged, and what it says no to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import Authority
from tests.support.openbao import ROOT, OpenBao, running_openbao
from trunkline.core.outside import StoreSettings
from trunkline.plugins.secrets import Given, SecretUnavailable, StoreDown
from trunkline.plugins.secrets.vault import Vault

pytestmark = [pytest.mark.real, pytest.mark.row("S1")]
READER = 'path "secret/*" { capabilities = ["read"] }'


@pytest.fixture(scope="module")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    with running_openbao(tmp_path_factory.mktemp("openbao")) as server:
        server.ask("POST", "sys/mounts/old", {"type": "kv", "options": {"version": "1"}})
        server.ask("POST", "sys/mounts/team/deep", {"type": "kv", "options": {"version": "2"}})
        server.ask("PUT", "sys/policies/acl/reader", {"policy": READER})
        yield server


def vault(bao: OpenBao, settings: StoreSettings | None = None, **environ: str) -> Vault:
    given = {"VAULT_ADDR": bao.address, **(environ or {"VAULT_TOKEN": ROOT})}
    return Vault(settings or StoreSettings(), given)


def test_version_2_gives_the_newest_or_the_one_asked_for(bao: OpenBao) -> None:
    for value in ("first-not-real", "second-not-real"):
        bao.put("stripe", key=value, other="x")
    store = vault(bao)
    assert store.fetch("secret/stripe#key") == Given("second-not-real", "2")
    assert store.fetch("secret/stripe?version=1#key") == Given("first-not-real", "1")


def test_a_mount_may_have_several_segments_and_a_secret_one_value_needs_no_key(bao: OpenBao) -> None:
    bao.ask("POST", "team/deep/data/pay/stripe", {"data": {"only": "value-not-real"}})
    assert vault(bao).fetch("team/deep/pay/stripe").value == "value-not-real"


def test_version_1_has_no_versions(bao: OpenBao) -> None:
    bao.ask("POST", "old/crm", {"token": "value-not-real", "nested": {"inner": "deep-not-real"}})
    store = vault(bao)
    assert store.fetch("old/crm#token") == Given("value-not-real")
    assert store.fetch("old/crm#nested.inner").value == "deep-not-real"
    with pytest.raises(SecretUnavailable, match="only KV version 2 keeps versions"):
        store.fetch("old/crm?version=1#token")


@pytest.mark.parametrize(
    ("rest", "says"),
    [
        ("secret/nowhere#key", "there is no secret at this path"),
        ("secret/several", "there are 2 values under it"),
        ("secret/several#c", "there is no #c under it"),
        ("secret/gone#key", "this version was deleted"),
        ("secret", "it names no path below a mount"),
        ("secret/several?stage=x#a", "`?stage=` means nothing to this store"),
    ],
)
def test_what_is_not_there_is_said_with_its_cure_and_without_values(
    bao: OpenBao, rest: str, says: str
) -> None:
    bao.put("several", a="a-not-real", b="b-not-real")
    bao.put("gone", key="gone-not-real")
    bao.ask("DELETE", "secret/data/gone")
    with pytest.raises(SecretUnavailable) as refused:
        vault(bao).fetch(rest)
    assert says in refused.value.why
    assert refused.value.cure
    assert "not-real" not in str(refused.value)


def test_a_login_by_approle(bao: OpenBao) -> None:
    bao.put("app", key="value-not-real")
    bao.ask("POST", "sys/auth/approle", {"type": "approle"})
    bao.ask("POST", "auth/approle/role/trunkline", {"token_policies": "reader", "token_ttl": "60s"})
    role = bao.ask("GET", "auth/approle/role/trunkline/role-id")["data"]["role_id"]
    secret = bao.ask("POST", "auth/approle/role/trunkline/secret-id", {})["data"]["secret_id"]
    store = vault(bao, VAULT_ROLE_ID=role, VAULT_SECRET_ID=secret)
    assert store.fetch("secret/app#key").value == "value-not-real"

    # A token that was taken away is replaced by a new login, unseen by who asks.
    assert store._session is not None
    bao.ask("POST", "auth/token/revoke", {"token": store._session.token})
    assert store.fetch("secret/app#key").value == "value-not-real"
    with pytest.raises(StoreDown, match="refused the login by approle"):
        vault(bao, VAULT_ROLE_ID=role, VAULT_SECRET_ID="wrong-not-real").fetch("secret/app#key")


def test_a_logins_token_is_prolonged_in_time(bao: OpenBao) -> None:
    bao.put("app", key="value-not-real")
    made = bao.ask(
        "POST", "auth/token/create", {"policies": ["reader", "default"], "ttl": "60s", "renewable": True}
    )
    token, now = made["auth"]["client_token"], [1000.0]
    store = Vault(StoreSettings(), {"VAULT_ADDR": bao.address, "VAULT_TOKEN": token}, clock=lambda: now[0])
    store.fetch("secret/app#key")
    first = store._session
    assert first is not None
    assert first.renewable
    now[0] += 45
    store.fetch("secret/app#key")
    assert store._session is not None
    assert store._session.ends_at > first.ends_at


@contextmanager
def kubernetes() -> Iterator[str]:
    """The one answer of a Kubernetes API server that the login needs: ours, labelled, and only that."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            good = asked["spec"]["token"] == JWT
            user = {"username": "system:serviceaccount:prod:trunkline", "uid": "u-1"}
            status = {"authenticated": good, "user": user if good else {}}
            body = json.dumps(
                {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status}
            )
            self.send_response(201)
            for name, value in (("x-made-for", "tests"), ("content-type", "application/json")):
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def _jwt() -> str:
    import base64

    def part(told: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(told).encode()).rstrip(b"=").decode()

    says = {
        "iss": "kubernetes/serviceaccount",
        "sub": "system:serviceaccount:prod:trunkline",
        "kubernetes.io/serviceaccount/namespace": "prod",
        "kubernetes.io/serviceaccount/service-account.name": "trunkline",
        "kubernetes.io/serviceaccount/service-account.uid": "u-1",
    }
    return f"{part({'alg': 'RS256', 'kid': 'k'})}.{part(says)}.c2lnbmF0dXJl"


JWT = _jwt()


def test_a_login_by_kubernetes(bao: OpenBao, tmp_path: Path) -> None:
    bao.put("app", key="value-not-real")
    bao.ask("POST", "sys/auth/kubernetes", {"type": "kubernetes"})
    certificate = Authority(tmp_path).file.read_text()
    with kubernetes() as api:
        bao.ask(
            "POST",
            "auth/kubernetes/config",
            {
                "kubernetes_host": api,
                "disable_local_ca_jwt": True,
                "kubernetes_ca_cert": certificate,
                "token_reviewer_jwt": JWT,
                "disable_iss_validation": True,
            },
        )
        role = {
            "bound_service_account_names": "trunkline",
            "bound_service_account_namespaces": "prod",
            "token_policies": "reader",
        }
        bao.ask("POST", "auth/kubernetes/role/trunkline", role)
        account = tmp_path / "token"
        account.write_text(JWT)
        settings = StoreSettings(address=bao.address, role="trunkline")
        store = Vault(settings, {}, service_account=account)
        assert store.fetch("secret/app#key").value == "value-not-real"


@contextmanager
def rabbitmq() -> Iterator[str]:
    """What OpenBao asks of RabbitMQ's management API to make a user: ours, labelled, and only that."""

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            self.send_response(204)
            self.send_header("x-made-for", "tests")
            self.end_headers()

        def do_DELETE(self) -> None:
            self.do_PUT()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_dynamic_credential_has_a_lease_that_is_prolonged(bao: OpenBao) -> None:
    with rabbitmq() as api:
        bao.ask("POST", "sys/mounts/rabbitmq", {"type": "rabbitmq"})
        connection = {"connection_uri": api, "username": "admin", "password": "x", "verify_connection": False}
        bao.ask("POST", "rabbitmq/config/connection", connection)
        bao.ask("POST", "rabbitmq/config/lease", {"ttl": "40s", "max_ttl": "60s"})
        bao.ask("POST", "rabbitmq/roles/app", {"vhosts": '{"/":{"write":".*","read":".*"}}'})
        store = vault(bao)
        given = store.fetch("rabbitmq/creds/app#password")
        assert (given.ttl_s, bool(given.lease), len(given.version)) == (40.0, True, 6)
        assert 30 < store.renew(given.lease) <= 60
        bao.ask("PUT", "sys/leases/revoke", {"lease_id": given.lease})
        assert store.renew(given.lease) == 0.0
        another = store.fetch("rabbitmq/creds/app#password")
        assert another.value != given.value


def test_who_may_not_read_is_told_which_policy_is_lacking(bao: OpenBao) -> None:
    bao.put("app", key="value-not-real")
    token = bao.ask("POST", "auth/token/create", {"policies": ["default"]})["auth"]["client_token"]
    with pytest.raises(StoreDown) as refused:
        vault(bao, VAULT_TOKEN=token).fetch("secret/app#key")
    assert "does not let" in refused.value.why
    assert not refused.value.away


def test_without_address_token_or_server_it_says_what_is_missing(bao: OpenBao) -> None:
    with pytest.raises(StoreDown, match="address of vault is not set"):
        Vault(StoreSettings(), {"VAULT_TOKEN": "t"}).fetch("secret/app#key")
    with pytest.raises(StoreDown, match="wants a token"):
        Vault(StoreSettings(address=bao.address), {}).fetch("secret/app#key")
    with pytest.raises(StoreDown, match="cannot be reached") as down:
        Vault(StoreSettings(address="http://127.0.0.1:1"), {"VAULT_TOKEN": "t"}).fetch("secret/app#key")
    assert down.value.away
    with pytest.raises(StoreDown, match="without encryption"):
        Vault(StoreSettings(address="http://vault.example.com"), {"VAULT_TOKEN": "t"}).fetch("secret/app#key")
