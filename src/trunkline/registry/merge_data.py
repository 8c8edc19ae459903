"""What is declared about data as written -> as the gateway and the console work with it (`core/handling.py`).

Pure. Not for: judging it (`verify_data.py`).
"""

from __future__ import annotations

from trunkline.core import handling

from .catalog import Entry
from .quantity import seconds, size_bytes
from .shape import Integration
from .shape_data import Data, DataRules, Samples, SampleStore, StoredResponses
from .shape_vendor import Handling


def samples(own: Samples | None, default: Samples | None) -> handling.Samples:
    """Key by key: the integration, else the registry's default, else ours."""
    written = [one for one in (own, default) if one is not None]
    usual = handling.Samples()
    enabled = next((one.enabled for one in written if one.enabled is not None), usual.enabled)
    share = next((one.share for one in written if one.share is not None), usual.share)
    per_minute = next((one.per_minute for one in written if one.per_minute is not None), usual.per_minute)
    request = next((one.request for one in written if one.request), "")
    response = next((one.response for one in written if one.response), "")
    return handling.Samples(
        enabled=enabled,
        share=share,
        per_minute=per_minute,
        request_bytes=size_bytes(request) if request else usual.request_bytes,
        response_bytes=size_bytes(response) if response else usual.response_bytes,
    )


def sample_store(own: SampleStore | None) -> handling.SampleStore:
    """How long samples are kept at most, and how much room they have."""
    own, usual = own or SampleStore(), handling.SampleStore()
    return handling.SampleStore(
        keep=seconds(own.keep) if own.keep else usual.keep,
        bytes=size_bytes(own.size) if own.size else usual.bytes,
    )


def stored(own: StoredResponses | None) -> handling.StoredBounds:
    """How long stored responses are kept, and how much room they have."""
    own, usual = own or StoredResponses(), handling.StoredBounds()
    keep = seconds(own.keep) if own.keep else usual.keep
    return handling.StoredBounds(
        keep=0.0 if own.enabled is False else keep,
        bytes=size_bytes(own.size) if own.size else usual.bytes,
    )


def allowed(own: list[str] | Data | None) -> list[str] | None:
    """The categories that may be received; None if nobody has said."""
    return own.allow if isinstance(own, Data) else own


def rules(own: list[str] | DataRules | None) -> handling.DataRules | None:
    """What is done about data as calls are made."""
    if not isinstance(own, DataRules) or not (own.block or own.redact):
        return None
    return handling.DataRules(block=own.block, redact=own.redact, answers=own.answers)


def privacy(own: Integration, vendor: Entry) -> handling.Privacy:
    """What is declared beside the categories."""
    return handling.Privacy(
        declared=allowed(own.data) is not None,
        forbid=own.data.forbid if isinstance(own.data, Data) else [],
        rules=rules(own.data),
        identifiers=vendor.identifiers if own.identifiers is None else own.identifiers,
        handling=handled(own.handling, vendor.handling),
    )


def handled(own: Handling | None, vendor: Handling | None) -> handling.Handling:
    """Key by key: the registry, else the catalog."""
    mine, theirs = own or Handling(), vendor or Handling()
    said = {
        name: getattr(mine, name) or getattr(theirs, name)
        for name in ("purpose", "retention", "region", "dpa")
    }
    trains = theirs.trains if mine.trains is None else mine.trains
    facts = (mine.retention, mine.region, mine.dpa)
    from_catalog = vendor is not None and not any(facts) and mine.trains is None
    read = theirs if from_catalog else mine
    return handling.Handling(
        **said, trains=trains, source=read.source, date=read.date, from_catalog=from_catalog
    )
