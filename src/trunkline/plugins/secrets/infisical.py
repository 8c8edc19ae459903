"""`infisical:project/environment/folder/NAME`: Infisical, its cloud or one of your own. `project` is the project's id.

Who may: a machine identity by universal auth, or an access token in `INFISICAL_TOKEN`. Not for: dynamic secrets.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from urllib.parse import quote, urlencode

from trunkline.core.outside import StoreSettings
from trunkline.plugins.secrets import Given, SecretUnavailable, StoreDown
from trunkline.plugins.secrets.asking import Answer, Asking
from trunkline.plugins.secrets.bearer import Bearer, bearer
from trunkline.plugins.secrets.place import Place, member, place

ADDRESS = "https://app.infisical.com"


class Infisical:
    """One identity."""

    def __init__(
        self, settings: StoreSettings, environ: Mapping[str, str], *, wall: Callable[[], float] = time.time
    ) -> None:
        given = settings.address or environ.get("INFISICAL_API_URL") or environ.get("INFISICAL_DOMAIN")
        self._address = (given or ADDRESS).rstrip("/").removesuffix("/api")
        self._environ = environ
        self._project = settings.project
        self._wall = wall
        self._asking = Asking("infisical", ca_file=settings.ca_file, allow_http=settings.allow_http)
        self._bearer: Bearer | None = None

    def fetch(self, rest: str) -> Given:
        at = place("infisical", rest)
        project, environment, folder, name = self._parts(at)
        where = {"environment": environment, "secretPath": folder, **at.options}
        answer = self._get("v4/secrets", name, {"projectId": project, **where})
        if answer.status == 404 and _no_such_route(answer):  # a server from before 2026
            answer = self._get("v3/secrets/raw", name, {"workspaceId": project, **where})
        if answer.status in (401, 403):
            self._bearer = None
            cure = "Check the identity's login and its role in this project and environment."
            raise StoreDown(f"infisical does not let us in ({answer.status})", cure)
        if answer.status != 200:
            cure = "Make it, or correct project, environment, folder and name."
            raise SecretUnavailable(at.ref, f"infisical answered {answer.status}", cure)
        version = answer.get("secret", "version")
        return Given(
            member(at, str(answer.get("secret", "secretValue") or "")), str(version) if version else ""
        )

    def _parts(self, at: Place) -> tuple[str, str, str, str]:
        names = at.path.split("/")
        if self._project and names[0] != self._project and len(names) >= 2:
            names = [self._project, *names]
        if len(names) < 3 or not all(names):
            cure = "Write `infisical:project/environment/NAME`, with the folder before the name if it lies in one."
            raise SecretUnavailable(at.ref, "it does not name project, environment and secret", cure)
        return names[0], names[1], "/" + "/".join(names[2:-1]), names[-1]

    def _get(self, route: str, name: str, query: Mapping[str, str]) -> Answer:
        url = f"{self._address}/api/{route}/{quote(name, safe='')}?{urlencode(query)}"
        return self._asking.ask("GET", url, {"authorization": f"Bearer {self._token()}"})

    def _token(self) -> str:
        said, now = self._environ, self._wall()
        if said.get("INFISICAL_TOKEN"):
            return said["INFISICAL_TOKEN"].strip()
        if self._bearer is None or now >= self._bearer.due_at:
            prefix = "INFISICAL_UNIVERSAL_AUTH_"
            client, secret = said.get(f"{prefix}CLIENT_ID", ""), said.get(f"{prefix}CLIENT_SECRET", "")
            if not client or not secret:
                cure = f"Set {prefix}CLIENT_ID and {prefix}CLIENT_SECRET, or INFISICAL_TOKEN."
                raise StoreDown("infisical wants a login, and none is set", cure)
            answer = self._asking.ask(
                "POST",
                f"{self._address}/api/v1/auth/universal-auth/login",
                body={"clientId": client, "clientSecret": secret},
            )
            self._bearer = bearer("Infisical", answer, now, name="accessToken", life="expiresIn")
        return self._bearer.token


def _no_such_route(answer: Answer) -> bool:
    return "route" in str(answer.get("message") or "").lower()
