"""Stores without a server that can be installed, against contract servers of ours: Google, Azure, Doppler, Infisical.

Their answers are written by the vendors' public API references; each says `x-made-for: tests`.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.support.store_servers import Answering, Seen, answering
from trunkline.core.outside import StoreSettings
from trunkline.plugins.secrets import Given, SecretUnavailable, StoreDown
from trunkline.plugins.secrets.azure_kv import AzureKeyVault
from trunkline.plugins.secrets.doppler import Doppler
from trunkline.plugins.secrets.gcp_sm import GcpSecretManager
from trunkline.plugins.secrets.infisical import Infisical

pytestmark = pytest.mark.row("S1")
VALUE = "value-not-real"
NOW = 1_800_000_000.0


def google(name: str, value: str = VALUE) -> dict[str, Any]:
    return {"name": name, "payload": {"data": base64.b64encode(value.encode()).decode()}}


class TestGoogle:
    LATEST = "/v1/projects/ours/secrets/stripe/versions/latest:access"

    @staticmethod
    def by_machine(cloud: Answering) -> GcpSecretManager:
        token = {"access_token": "token-not-real", "expires_in": 3600, "token_type": "Bearer"}
        cloud.on("GET", "/computeMetadata/v1/instance/service-accounts/default/token", 200, token)
        host = cloud.address.removeprefix("http://")
        return GcpSecretManager(
            StoreSettings(address=cloud.address, project="ours"),
            {"GCE_METADATA_HOST": host},
            wall=lambda: NOW,
        )

    def test_the_latest_and_a_chosen_version_by_the_machines_account(self) -> None:
        with answering() as cloud:
            store = self.by_machine(cloud)
            cloud.on("GET", self.LATEST, 200, google("projects/1/secrets/stripe/versions/7"))
            cloud.on(
                "GET",
                "/v1/projects/ours/secrets/stripe/versions/3:access",
                200,
                google("projects/1/secrets/stripe/versions/3", '{"key":"third-not-real"}'),
            )
            assert store.fetch("ours/stripe") == store.fetch("stripe") == Given(VALUE, "7")
            assert store.fetch("ours/stripe?version=3#key") == Given("third-not-real", "3")
            assert store.fetch("projects/ours/secrets/stripe").value == VALUE
            (token,) = [s for s in cloud.seen if "token" in s.target]
            assert token.headers["metadata-flavor"] == "Google"
            assert cloud.seen[-1].headers["authorization"] == "Bearer token-not-real"

    def test_a_service_account_signs_its_statement(self, tmp_path: Path) -> None:
        key = rsa.generate_private_key(65537, 2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with answering() as cloud:
            account = {
                "type": "service_account",
                "client_email": "app@ours.iam.gserviceaccount.com",
                "private_key": pem.decode(),
                "private_key_id": "k1",
                "token_uri": f"{cloud.address}/token",
            }
            path = tmp_path / "account.json"
            path.write_text(json.dumps(account))

            def give(seen: Seen) -> tuple[int, Any]:
                statement = parse_qs(seen.body)["assertion"][0]
                text, _, mark = statement.rpartition(".")
                pad = "=" * (-len(mark) % 4)
                key.public_key().verify(
                    base64.urlsafe_b64decode(mark + pad), text.encode(), padding.PKCS1v15(), hashes.SHA256()
                )
                says = json.loads(base64.urlsafe_b64decode(text.split(".")[1] + "=="))
                assert (says["iss"], says["aud"]) == (account["client_email"], account["token_uri"])
                assert says["exp"] - says["iat"] == 3600
                return 200, {"access_token": "token-not-real", "expires_in": 3600}

            cloud.on("POST", "/token", by=give)
            cloud.on("GET", self.LATEST, 200, google("projects/1/secrets/stripe/versions/7"))
            store = GcpSecretManager(
                StoreSettings(address=cloud.address),
                {"GOOGLE_APPLICATION_CREDENTIALS": str(path)},
                wall=lambda: NOW,
            )
            assert store.fetch("ours/stripe").value == VALUE

    @pytest.mark.parametrize(
        ("status", "code", "kind"),
        [
            (404, "NOT_FOUND", SecretUnavailable),
            (403, "PERMISSION_DENIED", StoreDown),
            (401, "UNAUTHENTICATED", StoreDown),
        ],
    )
    def test_refusals(self, status: int, code: str, kind: type[Exception]) -> None:
        with answering() as cloud:
            store = self.by_machine(cloud)
            cloud.on("GET", self.LATEST, status, {"error": {"code": status, "status": code, "message": "no"}})
            with pytest.raises(kind, match=code):
                store.fetch("ours/stripe")

    @pytest.mark.parametrize(
        "text", ["", "{}", '{"type": "service_account"}', '{"type": "external_account"}']
    )
    def test_a_file_that_is_none_is_said(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "c.json"
        path.write_text(text)
        store = GcpSecretManager(StoreSettings(), {"GOOGLE_APPLICATION_CREDENTIALS": str(path)})
        with pytest.raises(StoreDown, match=r"c\.json"):
            store.fetch("ours/stripe")


class TestAzure:
    @staticmethod
    def by_secret(cloud: Answering) -> AzureKeyVault:
        cloud.on(
            "POST", "/tenant/oauth2/v2.0/token", 200, {"access_token": "token-not-real", "expires_in": 3600}
        )
        environ = {
            "AZURE_TENANT_ID": "tenant",
            "AZURE_CLIENT_ID": "client",
            "AZURE_CLIENT_SECRET": "client-secret-not-real",
            "AZURE_AUTHORITY_HOST": cloud.address,
        }
        return AzureKeyVault(StoreSettings(address=f"{cloud.address}/{{vault}}"), environ, wall=lambda: NOW)

    def test_the_newest_and_a_chosen_version_by_a_client_secret(self) -> None:
        with answering() as cloud:
            store = self.by_secret(cloud)
            newest = {"value": VALUE, "id": "https://ours.vault.azure.net/secrets/stripe/0123456789abcdef"}
            cloud.on("GET", "/ours/secrets/stripe", 200, newest)
            cloud.on("GET", "/ours/secrets/stripe/abc", 200, {"value": "older-not-real", "id": "x/abc"})
            assert store.fetch("ours/stripe") == Given(VALUE, "01234567")
            assert store.fetch("ours/stripe?version=abc") == Given("older-not-real", "abc")
            login, first, *_ = cloud.seen
            form = parse_qs(login.body)
            assert form["scope"] == ["https://vault.azure.net/.default"]
            assert form["client_secret"] == ["client-secret-not-real"]
            assert first.target.endswith("?api-version=7.4")
            assert sum("token" in seen.target for seen in cloud.seen) == 1

    def test_a_managed_identity_of_an_app(self) -> None:
        with answering() as cloud:
            cloud.on("GET", "/identity", 200, {"access_token": "token-not-real", "expires_on": "1800003600"})
            cloud.on("GET", "/ours/secrets/stripe", 200, {"value": VALUE, "id": "x/1"})
            environ = {"IDENTITY_ENDPOINT": f"{cloud.address}/identity", "IDENTITY_HEADER": "header-not-real"}
            store = AzureKeyVault(StoreSettings(address=f"{cloud.address}/{{vault}}"), environ)
            assert store.fetch("ours/stripe").value == VALUE
            assert cloud.seen[0].headers["x-identity-header"] == "header-not-real"

    def test_a_federated_token(self, tmp_path: Path) -> None:
        with answering() as cloud:
            (tmp_path / "jwt").write_text("jwt-not-real\n")
            cloud.on(
                "POST", "/t/oauth2/v2.0/token", 200, {"access_token": "token-not-real", "expires_in": 60}
            )
            cloud.on("GET", "/ours/secrets/stripe", 200, {"value": VALUE, "id": "x/1"})
            environ = {
                "AZURE_TENANT_ID": "t",
                "AZURE_CLIENT_ID": "c",
                "AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "jwt"),
                "AZURE_AUTHORITY_HOST": cloud.address,
            }
            store = AzureKeyVault(StoreSettings(address=f"{cloud.address}/{{vault}}"), environ)
            assert store.fetch("ours/stripe").value == VALUE
            assert parse_qs(cloud.seen[0].body)["client_assertion"] == ["jwt-not-real"]

    @pytest.mark.parametrize(
        ("status", "error", "kind"),
        [
            (404, {"code": "SecretNotFound"}, SecretUnavailable),
            (403, {"code": "Forbidden", "innererror": {"code": "SecretDisabled"}}, SecretUnavailable),
            (403, {"code": "Forbidden", "innererror": {"code": "ForbiddenByRbac"}}, StoreDown),
            (401, {"code": "Unauthorized"}, StoreDown),
        ],
    )
    def test_refusals(self, status: int, error: dict[str, Any], kind: type[Exception]) -> None:
        with answering() as cloud:
            store = self.by_secret(cloud)
            cloud.on("GET", "/ours/secrets/stripe", status, {"error": error})
            with pytest.raises(kind):
                store.fetch("ours/stripe")

    def test_a_refused_login_is_said_by_its_code(self) -> None:
        with answering() as cloud:
            store = self.by_secret(cloud)
            cloud.on("POST", "/tenant/oauth2/v2.0/token", 401, {"error": "invalid_client"})
            with pytest.raises(StoreDown, match="invalid_client"):
                store.fetch("ours/stripe")

    def test_vaults_of_other_clouds_are_named_by_their_host(self) -> None:
        store = AzureKeyVault(StoreSettings(), {})
        assert store._address("ours") == ("https://ours.vault.azure.net", "https://vault.azure.net")
        assert store._address("ours.vault.azure.cn") == (
            "https://ours.vault.azure.cn",
            "https://vault.azure.cn",
        )


class TestDoppler:
    PATH = "/v3/configs/config/secret"

    @staticmethod
    def store(cloud: Answering, **environ: str) -> Doppler:
        return Doppler(StoreSettings(address=cloud.address), environ or {"DOPPLER_TOKEN": "dp.st.not-real"})

    def test_the_computed_value(self) -> None:
        with answering() as cloud:
            told = {"name": "STRIPE", "value": {"raw": "${x}", "computed": VALUE}, "success": True}
            cloud.on("GET", self.PATH, 200, told)
            assert self.store(cloud).fetch("backend/prd/STRIPE") == Given(VALUE)
            (seen,) = cloud.seen
            assert parse_qs(seen.target.partition("?")[2]) == {
                "project": ["backend"],
                "config": ["prd"],
                "name": ["STRIPE"],
            }
            assert seen.headers["authorization"] == "Bearer dp.st.not-real"

    @pytest.mark.parametrize(
        ("status", "body", "kind", "says"),
        [
            (404, {"messages": ["no"]}, SecretUnavailable, "answered 404"),
            (200, {"value": {"raw": None, "computed": None}}, SecretUnavailable, "gives no value"),
            (401, {"messages": ["no"]}, StoreDown, "does not let us in"),
            (429, {}, StoreDown, "answered 429"),
            (200, {"value": {"computed": ""}}, SecretUnavailable, "empty"),
        ],
    )
    def test_refusals(self, status: int, body: Any, kind: type[Exception], says: str) -> None:
        with answering() as cloud:
            cloud.on("GET", self.PATH, status, body)
            with pytest.raises(kind, match=says):
                self.store(cloud).fetch("backend/prd/STRIPE")

    def test_what_is_missing_is_said(self) -> None:
        with answering() as cloud:
            with pytest.raises(StoreDown, match="wants a token"):
                self.store(cloud, OTHER="x").fetch("backend/prd/STRIPE")
            with pytest.raises(SecretUnavailable, match="does not name project, config and secret"):
                self.store(cloud).fetch("backend/STRIPE")


class TestInfisical:
    LOGIN = {
        "INFISICAL_UNIVERSAL_AUTH_CLIENT_ID": "id",
        "INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET": "secret-not-real",
    }

    def store(self, cloud: Answering, **environ: str) -> Infisical:
        cloud.on(
            "POST",
            "/api/v1/auth/universal-auth/login",
            200,
            {"accessToken": "token-not-real", "expiresIn": 7200},
        )
        return Infisical(StoreSettings(address=cloud.address), environ or self.LOGIN, wall=lambda: NOW)

    def test_a_secret_in_a_folder_by_universal_auth(self) -> None:
        with answering() as cloud:
            store = self.store(cloud)
            told = {"secret": {"secretKey": "STRIPE", "secretValue": VALUE, "version": 4}}
            cloud.on("GET", "/api/v4/secrets/STRIPE", 200, told)
            assert store.fetch("p1/prod/payments/eu/STRIPE") == Given(VALUE, "4")
            store.fetch("p1/prod/STRIPE")
            login, first, second = cloud.seen
            assert json.loads(login.body) == {"clientId": "id", "clientSecret": "secret-not-real"}
            asked = parse_qs(first.target.partition("?")[2])
            assert asked == {"projectId": ["p1"], "environment": ["prod"], "secretPath": ["/payments/eu"]}
            assert parse_qs(second.target.partition("?")[2])["secretPath"] == ["/"]

    def test_an_older_server_is_asked_by_its_own_route(self) -> None:
        with answering() as cloud:
            store = self.store(cloud, INFISICAL_TOKEN="token-not-real")
            cloud.on("GET", "/api/v3/secrets/raw/STRIPE", 200, {"secret": {"secretValue": VALUE}})
            assert store.fetch("p1/prod/STRIPE?version=2").value == VALUE
            asked = parse_qs(cloud.seen[-1].target.partition("?")[2])
            assert (asked["workspaceId"], asked["version"]) == (["p1"], ["2"])

    @pytest.mark.parametrize(
        ("status", "message", "kind"),
        [
            (404, "Secret with name 'STRIPE' not found", SecretUnavailable),
            (403, "You are not allowed", StoreDown),
            (401, "Token expired", StoreDown),
        ],
    )
    def test_refusals(self, status: int, message: str, kind: type[Exception]) -> None:
        with answering() as cloud:
            store = self.store(cloud)
            cloud.on("GET", "/api/v4/secrets/STRIPE", status, {"message": message})
            with pytest.raises(kind):
                store.fetch("p1/prod/STRIPE")

    def test_what_is_missing_is_said(self) -> None:
        with answering() as cloud:
            with pytest.raises(StoreDown, match="wants a login"):
                self.store(cloud, OTHER="x").fetch("p1/prod/STRIPE")
            with pytest.raises(SecretUnavailable, match="does not name project"):
                self.store(cloud).fetch("prod/STRIPE")
