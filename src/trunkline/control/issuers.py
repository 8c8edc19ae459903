"""The keys of issuers of tokens: kept as they were last fetched, and handed to the gateway with the callers.

An issuer that cannot be reached keeps the keys that it had for a day; then its tokens are no longer taken, for a key that it has taken
back could be among them. Not for: fetching (`ops/oidc.py`), nor for when (`console/issuer_watch.py`).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from trunkline.control.state import State
from trunkline.core import codec
from trunkline.core.identity import Issuer, TokenKey

FILE_NAME = "issuers.json"
KEPT_S = 86400.0


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """The keys of one issuer."""

    issuer: str
    at: float
    """When they were fetched."""
    keys: list[TokenKey]


_decoder: msgspec.json.Decoder[dict[str, Kept]] = codec.json_decoder(dict[str, Kept])


def kept(state: State) -> dict[str, Kept]:
    """By the name of the issuer; nothing where none were ever fetched."""
    try:
        return _decoder.decode((state.path / FILE_NAME).read_bytes())
    except (OSError, codec.DecodeError):
        return {}


def keep(state: State, name: str, found: Kept) -> None:
    """Replaces the keys of one issuer."""
    with state.lock("issuers.lock"):
        known = {**kept(state), name: found}
        state.write(state.path / FILE_NAME, codec.to_json(known))


def with_keys(state: State, issuers: Iterable[Issuer], now: float) -> list[Issuer]:
    """The issuers with the keys that hold; one whose keys are unknown or too old is left out."""
    known = kept(state)
    found = []
    for issuer in issuers:
        one = known.get(issuer.name)
        if one is not None and one.issuer == issuer.issuer and now - one.at < KEPT_S:
            found.append(msgspec.structs.replace(issuer, keys=one.keys))
    return found
