"""Does a vendor take this value of a credential? One free call with it: the probe of the catalog, or a token for OAuth2 clients.

Not for: the health of integrations (`rounds.py`), nor for which value that is (`control/rotation.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from msgspec.structs import replace

from trunkline.core.scrub import Scrubber
from trunkline.core.service import Credential, Service
from trunkline.ops.probes.fetch import Fetcher, fetch
from trunkline.ops.probes.rounds import Place, probe_address
from trunkline.plugins import auth
from trunkline.plugins.auth.oauth2 import TokenRefused, token_of, token_request
from trunkline.wire.errors import WireError

TOKEN_TIMEOUT_S = 10.0
ANSWER_MAX = 64 << 10


class Found(NamedTuple):
    """Whether it is taken; None where the answer tells nothing, e.g. there was none. `said` holds no secret."""

    ok: bool | None
    said: str


def can_try(service: Service) -> bool:
    """Whether there is a free call that tells."""
    if service.auth.kind == "oauth2":
        return service.auth.grant == "client_credentials"
    return service.auth.kind != "none" and service.probe is not None and service.probe.credential


async def try_value(
    wire: Fetcher,
    place: Callable[[Service, str], Place],
    service: Service,
    credential: Credential,
    value: str,
    baseline: int = 0,
) -> tuple[Found, int]:
    """What the vendor makes of a value, and the status. A status that the value before got as well (`baseline`) speaks not against it."""
    spec = replace(service, credentials=[credential])
    if spec.auth.kind == "oauth2":
        return await _token(wire, place, spec, value), 0
    probe = spec.probe
    if probe is None:
        return Found(None, "there is no free call"), 0
    try:
        signer = auth.prepare(spec.auth, value)
        url, lines = probe_address(spec, probe, signer.query.decode("latin-1"))
        got = await fetch(
            wire,
            lambda address: place(spec, address),
            url,
            method=probe.method,
            fields=lines + signer.fields,
            timeout_s=probe.timeout,
        )
    except TimeoutError:
        return Found(None, f"no answer within {probe.timeout:g} s"), 0
    except (WireError, ValueError) as failure:
        return Found(None, Scrubber([value]).text(str(failure))), 0
    said = f"{probe.method} {probe.path} answered {got.status}"
    if got.status < 400 or (got.status == baseline and got.status not in (401, 429) and got.status < 500):
        return Found(True, said), got.status
    if got.status in (401, 403):
        return Found(False, said), got.status
    return Found(None, said), got.status


async def _token(
    wire: Fetcher, place: Callable[[Service, str], Place], service: Service, value: str
) -> Found:
    """The client's secret is proved by the token that it gets."""
    fields, form = token_request(service.auth, value, "")
    try:
        got = await fetch(
            wire,
            lambda address: place(service, address),
            service.auth.token_url,
            method="POST",
            fields=fields,
            body=form,
            timeout_s=TOKEN_TIMEOUT_S,
            body_max=ANSWER_MAX,
        )
        token_of(got.status, got.body, Scrubber([value]).text)
    except TokenRefused as refusal:
        return Found(False if refusal.final else None, str(refusal))
    except TimeoutError:
        return Found(None, f"the token endpoint had no answer within {TOKEN_TIMEOUT_S:g} s")
    except (WireError, ValueError) as failure:
        return Found(None, Scrubber([value]).text(str(failure)))
    return Found(True, "the token endpoint gave a token")


def members_of(service: Service, ref: str) -> list[Credential]:
    """The credentials of an integration with this reference; more than one where it is used at several addresses."""
    return [credential for credential in service.credentials if credential.ref == ref]
