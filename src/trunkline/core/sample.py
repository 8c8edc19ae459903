"""A sampled call with its bodies, as the gateway keeps it for those who look at contents: contract drift, categories of data.

Written by the gateway into encrypted, bounded segments that expire (`gateway/sampler.py`, `journal/bodies.py`); read in the console's
process, which hands it to each looker (`console/looking.py`). Not for: the record of every call, which holds no contents
(`core/record.py`).
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import msgspec


class Sample(msgspec.Struct, array_like=True, gc=False):
    """One attempt that was answered, well or not. Bodies are as the vendor got and gave them, unpacked, cut at a bound; the
    credential is taken out of the answer.
    """

    call_id: str
    at_us: int
    """Epoch microseconds."""
    correlation_id: str
    integration: str
    operation: str
    """Declared name; empty for an undeclared one."""
    method: str
    path: str
    """At the vendor, without query."""
    version: str
    """The API version that was sent; empty where none is pinned."""
    model: str
    status: int
    key_id: str
    team: str
    feature: str
    subject_hash: str
    request_type: str
    """Media type as it was sent."""
    request: bytes
    request_cut: bool
    response_type: str
    response: bytes
    response_cut: bool
    stream: bool
    """The response is the begin of an event stream."""
    query: str = ""
    """As it was sent, without the vendor's credential."""
    fields: list[tuple[str, str]] = []
    """Header fields of the caller's that were sent, without those that are technical or secret."""


class Looker(Protocol):
    """Looks at contents. Called in a thread, one sample after the other, each once (after a crash of the console perhaps twice)."""

    def __call__(self, sample: Sample) -> None: ...


@runtime_checkable
class Gathers(Protocol):
    """A looker that gathers what it found and writes it down after each batch of samples."""

    def flush(self) -> None: ...
