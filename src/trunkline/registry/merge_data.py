"""What is declared about data as written -> as the gateway and the console work with it (`core/handling.py`).

Pure. Not for: judging it (`verify_data.py`).
"""

from __future__ import annotations

from trunkline.core import handling

from .quantity import seconds, size_bytes
from .shape_data import Samples, SampleStore


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
