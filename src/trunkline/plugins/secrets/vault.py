"""`vault:mount/path#key`: HashiCorp Vault and OpenBao: KV version 1 and 2, and any engine that gives credentials to who reads its path.

Who may: a token, AppRole or Kubernetes; what is not in the registry (`stores: {vault: ...}`) comes from `VAULT_*` or `BAO_*`. A login's
token is prolonged while it can be, then fetched anew; leases of dynamic credentials are prolonged by `renew`. Not for: writing to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from trunkline.core.outside import StoreSettings
from trunkline.plugins.secrets import Given, SecretUnavailable, StoreDown
from trunkline.plugins.secrets.asking import Answer, Asking, file_text
from trunkline.plugins.secrets.place import Place, field, place

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
KINDS = ("token", "approle", "kubernetes")


class Session(NamedTuple):
    """A token of the store, when it ends and when it should be prolonged (monotonic seconds)."""

    token: str
    ends_at: float = float("inf")
    due_at: float = float("inf")
    renewable: bool = False

    def __repr__(self) -> str:
        return f"Session(ends_at={self.ends_at}, renewable={self.renewable})"


class Vault:
    """One server, by one login."""

    def __init__(
        self,
        settings: StoreSettings,
        environ: Mapping[str, str],
        *,
        clock: Callable[[], float] = time.monotonic,
        service_account: Path = SERVICE_ACCOUNT,
    ) -> None:
        self._environ = environ
        self._settings = settings
        self._clock = clock
        self._service_account = service_account
        self._address = (settings.address or self._said("ADDR")).rstrip("/")
        self._namespace = settings.namespace or self._said("NAMESPACE")
        ca_file = settings.ca_file or self._said("CACERT")
        self._asking = Asking("vault", ca_file=ca_file, allow_http=settings.allow_http)
        self._session: Session | None = None
        self._mounts: dict[str, int] = {}
        """Mount -> version of its KV engine; 0 for another engine."""

    def fetch(self, rest: str) -> Given:
        at = place("vault", rest)
        if "/" not in at.path:
            raise SecretUnavailable(at.ref, "it names no path below a mount", "Write `vault:mount/path#key`.")
        mount, version = self._mount(at)
        below = at.path.removeprefix(mount).strip("/")
        if version != 2:
            if at.options:
                raise SecretUnavailable(at.ref, "only KV version 2 keeps versions", "Take `?version=` off.")
            return self._plain(at, self._get(at, at.path))
        query = f"?version={quote(at.options['version'])}" if at.options.get("version") else ""
        return self._versioned(at, self._get(at, f"{mount}/data/{below}", query))

    def renew(self, lease: str) -> float:
        answer = self._ask("PUT", "sys/leases/renew", body={"lease_id": lease})
        return float(answer.get("lease_duration") or 0) if answer.status == 200 else 0.0

    def _plain(self, at: Place, answer: Answer) -> Given:
        """KV version 1, and engines that make a credential for who asks: these have a lease."""
        lease, ttl_s = str(answer.get("lease_id") or ""), float(answer.get("lease_duration") or 0)
        value = field(at, answer.get("data") or {})
        if not lease:  # KV version 1 tells a mere hint when to look again
            return Given(value)
        return Given(value, lease[-6:], ttl_s, lease if answer.get("renewable") else "")

    @staticmethod
    def _versioned(at: Place, answer: Answer) -> Given:
        return Given(
            field(at, answer.get("data", "data") or {}),
            str(answer.get("data", "metadata", "version") or ""),
        )

    def _get(self, at: Place, path: str, query: str = "") -> Answer:
        answer = self._ask("GET", quote(path) + query)
        if answer.status == 404:
            gone = answer.get("data", "metadata", "deletion_time") or answer.get(
                "data", "metadata", "destroyed"
            )
            why = "this version was deleted" if gone else "there is no secret at this path"
            raise SecretUnavailable(at.ref, why, f"Write it, e.g. `vault kv put {at.path}`, or correct it.")
        if answer.status != 200:
            raise SecretUnavailable(
                at.ref, f"vault answered {answer.status}{_errors(answer)}", "Correct the path."
            )
        return answer

    def _mount(self, at: Place) -> tuple[str, int]:
        """The mount that holds a path, and the version of its KV engine."""
        for known, version in self._mounts.items():
            if at.path.startswith(known + "/"):
                return known, version
        answer = self._ask("GET", f"sys/internal/ui/mounts/{quote(at.path)}", forbidden_is_answer=True)
        mount, kind = str(answer.get("data", "path") or "").strip("/"), answer.get("data", "type")
        if not mount:
            raise StoreDown(
                f"vault does not let this login read {at.path}{_errors(answer)}",
                f'Give it a policy with `path "{at.path.partition("/")[0]}/*" {{ capabilities = ["read"] }}`.',
            )
        version = int(answer.get("data", "options", "version") or 1) if kind in ("kv", "generic") else 0
        self._mounts[mount] = version
        return mount, version

    def _ask(self, method: str, path: str, *, body: Any = None, forbidden_is_answer: bool = False) -> Answer:
        """Asks with the session's token; a token that is refused is replaced by a new login, once."""
        answer = self._asked(method, path, self._token(), body)
        if answer.status == 403 and self._session is not None and self._kind() != "token":
            self._session = None
            answer = self._asked(method, path, self._token(), body)
        if answer.status == 403 and not forbidden_is_answer:
            self._session = None
            raise StoreDown(f"vault does not let us in{_errors(answer)}", "Check the token and its policies.")
        return answer

    def _asked(self, method: str, path: str, token: str, body: Any = None) -> Answer:
        if not self._address:
            raise StoreDown(
                "the address of vault is not set", "Set VAULT_ADDR, or `stores: {vault: {address: ...}}`."
            )
        headers = {"x-vault-request": "true"}
        if token:
            headers["x-vault-token"] = token
        if self._namespace:
            headers["x-vault-namespace"] = self._namespace
        return self._asking.ask(method, f"{self._address}/v1/{path}", headers, body=body)

    def _token(self) -> str:
        now, session = self._clock(), self._session
        if session is not None and now >= session.due_at:
            session = self._session = self._prolonged(session, now)
        if session is None or now >= session.ends_at:
            session = self._session = self._login()
        return session.token

    def _prolonged(self, session: Session, now: float) -> Session | None:
        if not session.renewable or now >= session.ends_at:
            return None if now >= session.ends_at else session._replace(due_at=session.ends_at)
        answer = self._asked("POST", "auth/token/renew-self", session.token, {})
        life = float(answer.get("auth", "lease_duration") or 0)
        if answer.status != 200 or now + life <= session.ends_at:
            return session._replace(due_at=session.ends_at)  # its longest life is reached: a new login then
        return _session(session.token, life, now, renewable=True)

    def _login(self) -> Session:
        kind, now = self._kind(), self._clock()
        if kind == "token":
            return self._given(self._said("TOKEN") or file_text(self._said("TOKEN_FILE")), now)
        mount = self._settings.mount or kind
        answer = self._asked("POST", f"auth/{mount}/login", "", self._credentials(kind))
        token = str(answer.get("auth", "client_token") or "")
        if answer.status != 200 or not token:
            raise StoreDown(
                f"vault refused the login by {kind}{_errors(answer)}",
                "Check the role and what it logs in with.",
            )
        life = float(answer.get("auth", "lease_duration") or 0)
        return _session(token, life, now, renewable=bool(answer.get("auth", "renewable")))

    def _given(self, token: str, now: float) -> Session:
        """A token from outside: how long it lives is the store's to say."""
        if not token:
            raise StoreDown(
                "vault wants a token, and none is set",
                "Set VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID, or `auth: kubernetes` with `role`.",
            )
        answer = self._asked("GET", "auth/token/lookup-self", token)
        life = float(answer.get("data", "ttl") or 0)
        renewable = bool(answer.get("data", "renewable"))
        # One that has ended may have been prolonged or replaced by somebody else: it is looked at again then.
        return _session(token, life, now, renewable=renewable)

    def _credentials(self, kind: str) -> dict[str, str]:
        if kind == "approle":
            secret_id = self._said("SECRET_ID") or file_text(self._said("SECRET_ID_FILE"))
            told = {"role_id": self._settings.role or self._said("ROLE_ID")}
            return {**told, **({"secret_id": secret_id} if secret_id else {})}
        jwt = file_text(self._said("KUBERNETES_TOKEN_FILE") or str(self._service_account))
        return {"role": self._settings.role or self._said("KUBERNETES_ROLE"), "jwt": jwt}

    def _kind(self) -> str:
        if self._settings.auth:
            return self._settings.auth
        if self._said("TOKEN") or self._said("TOKEN_FILE"):
            return "token"
        if self._said("ROLE_ID"):
            return "approle"
        return "kubernetes" if self._service_account.exists() and self._settings.role else "token"

    def _said(self, name: str) -> str:
        return (self._environ.get(f"VAULT_{name}") or self._environ.get(f"BAO_{name}") or "").strip()


def _session(token: str, life_s: float, now: float, *, renewable: bool) -> Session:
    if life_s <= 0:  # a token without an end
        return Session(token)
    return Session(token, now + life_s, now + life_s * 2 / 3, renewable)


def _errors(answer: Answer) -> str:
    """What the store says is wrong; it names paths and policies, never values."""
    said = answer.get("errors")
    words = "; ".join(str(one) for one in said)[:200] if isinstance(said, list) else ""
    return f" ({' '.join(words.split())})" if words else ""
