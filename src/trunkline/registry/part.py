"""What every shape of the file is made of: a strict mapping, and the plain types that many of its keys share.

Not for: any key in particular (`shape.py`, `shape_flow.py`, `shape_bounds.py`).
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

Positive = Annotated[int, Meta(ge=1)]
Share = Annotated[float, Meta(gt=0, le=1)]
Off = Annotated[float, Meta(gt=0, lt=1)]
Category = Annotated[
    str, Meta(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)*$", title="data category", examples=["pii.email"])
]

Identifier = Annotated[
    str,
    Meta(
        pattern=r"^(/[^\s]*|query:[A-Za-z0-9_.\[\]-]+|path:[A-Za-z0-9_]+)$",
        title="place of a person's identifier",
        examples=["/customer/email"],
    ),
]


class Part(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A mapping in the file; a key that is not named here is an error."""
