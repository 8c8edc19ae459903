"""`doppler:project/config/NAME`: Doppler, with a service token in `DOPPLER_TOKEN`.

Not for: the `doppler` command line and what it keeps of logins.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from trunkline.core.outside import StoreSettings
from trunkline.plugins.secrets import Given, SecretUnavailable, StoreDown
from trunkline.plugins.secrets.asking import Asking
from trunkline.plugins.secrets.place import member, place

ADDRESS = "https://api.doppler.com"


class Doppler:
    """One token."""

    def __init__(self, settings: StoreSettings, environ: Mapping[str, str]) -> None:
        self._address = (settings.address or environ.get("DOPPLER_API_HOST") or ADDRESS).rstrip("/")
        self._token = environ.get("DOPPLER_TOKEN", "").strip()
        self._asking = Asking("doppler", ca_file=settings.ca_file, allow_http=settings.allow_http)

    def fetch(self, rest: str) -> Given:
        at = place("doppler", rest, known=())
        project, _, below = at.path.partition("/")
        config, _, name = below.partition("/")
        if not name or "/" in name:
            cure = "Write `doppler:project/config/NAME`."
            raise SecretUnavailable(at.ref, "it does not name project, config and secret", cure)
        if not self._token:
            raise StoreDown("doppler wants a token, and none is set", "Set DOPPLER_TOKEN (a service token).")
        query = urlencode({"project": project, "config": config, "name": name})
        answer = self._asking.ask(
            "GET",
            f"{self._address}/v3/configs/config/secret?{query}",
            {"authorization": f"Bearer {self._token}"},
        )
        if answer.status in (401, 403):
            raise StoreDown(
                f"doppler does not let us in ({answer.status})", "Check DOPPLER_TOKEN and what it may read."
            )
        if answer.status != 200:
            cure = "Make it, or correct project, config and name."
            raise SecretUnavailable(at.ref, f"doppler answered {answer.status}", cure)
        value = answer.get("value", "computed")
        if value is None:
            cure = "Make it readable: a restricted secret is shown to nobody."
            raise SecretUnavailable(at.ref, "doppler gives no value for it", cure)
        return Given(member(at, str(value)))
