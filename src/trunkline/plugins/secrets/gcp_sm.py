"""`gcp-sm:project/name#key`: Google Secret Manager. Without a project the one of the registry or of the environment; `?version=7` chooses.

Who may: the key file of a service account or of a user (`GOOGLE_APPLICATION_CREDENTIALS`), else the machine's own account. Not for:
workload identity federation from outside Google; there, run a token helper and use `file:`.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from trunkline.core.outside import StoreSettings
from trunkline.plugins.secrets import Given, SecretUnavailable, StoreDown
from trunkline.plugins.secrets.asking import Answer, Asking
from trunkline.plugins.secrets.bearer import Bearer, bearer
from trunkline.plugins.secrets.place import Place, member, place

ADDRESS = "https://secretmanager.googleapis.com"
TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
METADATA = "metadata.google.internal"
LIFE_S = 3600


class GcpSecretManager:
    """One account."""

    def __init__(
        self, settings: StoreSettings, environ: Mapping[str, str], *, wall: Callable[[], float] = time.time
    ) -> None:
        self._environ = environ
        self._settings = settings
        self._wall = wall
        self._asking = Asking("gcp-sm", ca_file=settings.ca_file, allow_http=settings.allow_http)
        self._machine = Asking("the machine's metadata", timeout_s=2.0, allow_http=True)
        self._bearer: Bearer | None = None

    def fetch(self, rest: str) -> Given:
        at = place("gcp-sm", rest)
        url = f"{(self._settings.address or ADDRESS).rstrip('/')}/v1/{quote(self._name(at))}:access"
        answer = self._asking.ask("GET", url, {"authorization": f"Bearer {self._token()}"})
        if answer.status == 401:
            self._bearer = None
        if answer.status != 200:
            raise _refusal(at, answer)
        try:
            text = base64.b64decode(str(answer.get("payload", "data") or ""), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise SecretUnavailable(at.ref, "its value is no text", "Keep it as UTF-8 text.") from None
        return Given(member(at, text), str(answer.get("name") or "").rpartition("/")[2])

    def _name(self, at: Place) -> str:
        version = at.options.get("version") or "latest"
        if at.path.startswith("projects/"):
            return at.path if "/versions/" in at.path else f"{at.path}/versions/{version}"
        project, slash, name = at.path.partition("/")
        if not slash:
            name, project = project, self._settings.project or self._environ.get("GOOGLE_CLOUD_PROJECT", "")
        if not project or not name:
            cure = "Write `gcp-sm:project/name`, or set GOOGLE_CLOUD_PROJECT."
            raise SecretUnavailable(at.ref, "it names no project", cure)
        return f"projects/{project}/secrets/{name}/versions/{version}"

    def _token(self) -> str:
        now = self._wall()
        if self._bearer is None or now >= self._bearer.due_at:
            path = self._environ.get("GOOGLE_APPLICATION_CREDENTIALS", "")
            self._bearer = self._by_file(path, now) if path else self._by_machine(now)
        return self._bearer.token

    def _by_file(self, path: str, now: float) -> Bearer:
        try:
            found = json.loads(Path(path).read_text("utf-8"))
            kind = found["type"]
        except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError):
            raise StoreDown(f"{path} is no credentials file of Google", "Correct the variable.") from None
        try:
            if kind == "service_account":
                form = {
                    "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
                    "assertion": assertion(found, now),
                }
            elif kind == "authorized_user":
                names = ("client_id", "client_secret", "refresh_token")
                form = {"grant_type": "refresh_token", **{name: found[name] for name in names}}
            else:
                cure = "Use the key file of a service account, or the machine's own account."
                raise StoreDown(f"{path} is of the kind {str(kind)[:40]!r}, which is not known here", cure)
        except (KeyError, ValueError, TypeError):
            raise StoreDown(f"{path} lacks what a file of kind {kind} holds", "Download it anew.") from None
        answer = self._asking.ask("POST", found.get("token_uri") or TOKEN_URL, form=form)
        return bearer("Google", answer, now)

    def _by_machine(self, now: float) -> Bearer:
        host = self._environ.get("GCE_METADATA_HOST") or METADATA
        url = f"http://{host}/computeMetadata/v1/instance/service-accounts/default/token"
        try:
            return bearer("Google", self._machine.ask("GET", url, {"metadata-flavor": "Google"}), now)
        except StoreDown as problem:
            cure = "Set GOOGLE_APPLICATION_CREDENTIALS, or give this machine a service account."
            raise StoreDown(f"there is no Google credential: {problem.why}", cure) from None


def assertion(account: Mapping[str, Any], now: float) -> str:
    """The signed statement of a service account (RFC 7523). Raises KeyError, ValueError, TypeError for a file that is none."""
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    key = serialization.load_pem_private_key(account["private_key"].encode(), None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("no RSA key")
    head = {"alg": "RS256", "typ": "JWT", "kid": account.get("private_key_id", "")}
    says = {
        "iss": account["client_email"],
        "scope": SCOPE,
        "aud": account.get("token_uri") or TOKEN_URL,
        "iat": int(now),
        "exp": int(now) + LIFE_S,
    }
    text = b".".join(_base64(json.dumps(part).encode()) for part in (head, says))
    return (text + b"." + _base64(key.sign(text, padding.PKCS1v15(), hashes.SHA256()))).decode()


def _base64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _refusal(at: Place, answer: Answer) -> Exception:
    status = str(answer.get("error", "status") or "")
    if answer.status in (400, 404):
        cure = "Make it or its version, or correct the name (`gcloud secrets versions list NAME`)."
        return SecretUnavailable(at.ref, f"gcp-sm says {status or answer.status}", cure)
    cure = "Give the account the role Secret Manager Secret Accessor on it."
    return StoreDown(f"gcp-sm does not let us in ({answer.status} {status})".replace(" )", ")"), cure)
