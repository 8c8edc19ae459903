"""`azure-kv:vault/name#key`: Azure Key Vault. `vault` is its name, or its host in another cloud; `?version=` chooses a version.

Who may: a client secret or a federated token (`AZURE_*`), else the managed identity of the app or machine. Not for: certificates and keys
that never leave the vault.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from urllib.parse import quote, urlencode, urlsplit

from trunkline.core.outside import StoreSettings
from trunkline.plugins.secrets import Given, SecretUnavailable, StoreDown
from trunkline.plugins.secrets.asking import Answer, Asking, file_text
from trunkline.plugins.secrets.bearer import Bearer, bearer
from trunkline.plugins.secrets.place import Place, member, place

DOMAIN = "vault.azure.net"
AUTHORITY = "https://login.microsoftonline.com"
MACHINE = "http://169.254.169.254"
API = "7.4"


class AzureKeyVault:
    """One identity; vaults by name."""

    def __init__(
        self, settings: StoreSettings, environ: Mapping[str, str], *, wall: Callable[[], float] = time.time
    ) -> None:
        self._environ = environ
        self._settings = settings
        self._wall = wall
        self._asking = Asking("azure-kv", ca_file=settings.ca_file, allow_http=settings.allow_http)
        self._machine = Asking("the machine's metadata", timeout_s=2.0, allow_http=True)
        self._bearers: dict[str, Bearer] = {}

    def fetch(self, rest: str) -> Given:
        at = place("azure-kv", rest)
        vault, _, name = at.path.partition("/")
        if not vault or not name or "/" in name:
            raise SecretUnavailable(at.ref, "it names no vault and secret", "Write `azure-kv:vault/name`.")
        base, resource = self._address(vault)
        version = f"/{quote(at.options['version'])}" if at.options.get("version") else ""
        url = f"{base}/secrets/{quote(name)}{version}?api-version={API}"
        answer = self._asking.ask("GET", url, {"authorization": f"Bearer {self._token(resource)}"})
        if answer.status == 401:
            self._bearers.pop(resource, None)
        if answer.status != 200:
            raise _refusal(at, answer)
        return Given(
            member(at, str(answer.get("value") or "")), str(answer.get("id") or "").rpartition("/")[2][:8]
        )

    def _address(self, vault: str) -> tuple[str, str]:
        """Where a vault is, and the audience of the token that it wants."""
        if self._settings.address:
            base = self._settings.address.replace("{vault}", vault).rstrip("/")
            domain = (urlsplit(base).hostname or "").partition(".")[2]
            return base, f"https://{domain if domain.startswith('vault.') else DOMAIN}"
        host = vault if "." in vault else f"{vault}.{DOMAIN}"
        return f"https://{host}", f"https://{host.partition('.')[2]}"

    def _token(self, resource: str) -> str:
        now, known = self._wall(), self._bearers.get(resource)
        if known is None or now >= known.due_at:
            known = self._bearers[resource] = self._login(resource, now)
        return known.token

    def _login(self, resource: str, now: float) -> Bearer:
        said = self._environ
        tenant, client = said.get("AZURE_TENANT_ID", ""), said.get("AZURE_CLIENT_ID", "")
        secret, federated = said.get("AZURE_CLIENT_SECRET", ""), said.get("AZURE_FEDERATED_TOKEN_FILE", "")
        if not (tenant and client and (secret or federated)):
            return self._by_identity(resource, client, now)
        form = {
            "grant_type": "client_credentials",
            "client_id": client,
            "scope": f"{resource}/.default",
        }
        if secret:
            form["client_secret"] = secret
        else:
            form["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            form["client_assertion"] = file_text(federated)
        authority = (said.get("AZURE_AUTHORITY_HOST") or AUTHORITY).rstrip("/")
        answer = self._asking.ask("POST", f"{authority}/{quote(tenant)}/oauth2/v2.0/token", form=form)
        return bearer("Azure", answer, now)

    def _by_identity(self, resource: str, client: str, now: float) -> Bearer:
        """Managed identity: of an app (App Service, Container Apps), else of the machine."""
        said = self._environ
        query = {"resource": resource, **({"client_id": client} if client else {})}
        if said.get("IDENTITY_ENDPOINT") and said.get("IDENTITY_HEADER"):
            url = f"{said['IDENTITY_ENDPOINT']}?{urlencode({'api-version': '2019-08-01', **query})}"
            headers = {"x-identity-header": said["IDENTITY_HEADER"]}
        else:
            address = said.get("AZURE_POD_IDENTITY_AUTHORITY_HOST") or MACHINE
            url = f"{address.rstrip('/')}/metadata/identity/oauth2/token?{urlencode({'api-version': '2018-02-01', **query})}"
            headers = {"metadata": "true"}
        try:
            return bearer("Azure", self._machine.ask("GET", url, headers), now)
        except StoreDown as problem:
            cure = "Set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or give this machine an identity."
            raise StoreDown(f"there is no Azure credential: {problem.why}", cure) from None


def _refusal(at: Place, answer: Answer) -> Exception:
    code = str(answer.get("error", "code") or "")
    inner = str(answer.get("error", "innererror", "code") or "")
    if answer.status in (400, 404) or inner in ("SecretDisabled", "SecretExpired"):
        cure = "Make it, enable it, or correct the name (`az keyvault secret show`)."
        return SecretUnavailable(at.ref, f"azure-kv says {inner or code or answer.status}", cure)
    cure = "Give the identity the role Key Vault Secrets User on this vault."
    return StoreDown(f"azure-kv does not let us in ({answer.status} {code})".replace(" )", ")"), cure)
