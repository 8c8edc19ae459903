"""What is known of references to outside stores: the value that serves, those of a rotation beside it, and how they lie sealed on disk.

Not for: asking stores (`stores.py`), nor for what is told of them without values (`ops/stores.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from trunkline.control.rotation import HELD, UNDONE, Order
from trunkline.control.state import State
from trunkline.core import codec
from trunkline.core.service import Sealed
from trunkline.ops.stores import Seen
from trunkline.plugins.secrets.masterkey import MasterKeyProblem
from trunkline.plugins.secrets.sealed import open_sealed, seal

FILE = "stores.sealed"


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """Values of a rotation beside the one that serves."""

    next: str = ""
    """What the store holds, and what does not serve before it is proved."""
    next_version: str = ""
    before: str = ""
    """What served before the promotion, as long as it can be undone."""
    before_version: str = ""
    refused: str = ""
    """What the store holds and a person, or the vendor, did not want."""
    of: str = ""
    """The rotation of `next` and `before`. A person may end it and begin another one before the keeper has looked."""

    def __repr__(self) -> str:
        return f"Held({[name for name in ('next', 'before', 'refused') if getattr(self, name)]})"


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """One reference: what is known of its value and of the store's last word. Times are epoch seconds."""

    seen: Seen
    value: str = ""
    serial: int = 0
    """Counts the values."""
    due_at: float = 0.0
    asked_at: float = 0.0
    """When the last question that was answered, or failed, was begun."""
    lease: str = ""
    life_s: float = 0.0
    failures: int = 0
    final: bool = False
    """The store itself says that there is no such value."""
    held: Held = Held()

    def __repr__(self) -> str:
        return f"Known({self.seen.ref!r}, serial={self.serial})"


def kept(state: State) -> dict[str, tuple[str, Held]]:
    """Reference -> the value that serves and those of its rotation, as they lie sealed. Whoever uses one of them audits it."""
    path = state.path / FILE
    if not path.exists():
        return {}
    try:
        values = open_sealed(path, state.master_key()).values
    except (OSError, MasterKeyProblem, codec.DecodeError):
        return {}
    found: dict[str, dict[str, str]] = {}
    for name, value in values.items():
        ref, _, mark = name.partition("\n")
        found.setdefault(ref, {})[mark or "value"] = value
    return {ref: (marks.pop("value", ""), Held(**marks)) for ref, marks in found.items()}


def keep(state: State, known: Iterable[Known]) -> None:
    """Seals them. Raises OSError, MasterKeyProblem."""
    content = {
        f"{one.seen.ref}{mark}": value
        for one in known
        for mark, value in [
            ("", one.value),
            *((f"\n{name}", getattr(one.held, name)) for name in Held.__struct_fields__),
        ]
        if value
    }
    state.write(state.path / FILE, seal(Sealed(version="stores", values=content), state.master_key()))


def reseal(state: State, old: bytes, new: bytes) -> None:
    """The master key was replaced."""
    try:
        content = open_sealed(state.path / FILE, old)
    except (OSError, MasterKeyProblem, codec.DecodeError):
        return
    state.write(state.path / FILE, seal(content, new))


def moved(known: Known, orders: Sequence[Order], now: float) -> Known:
    """What a reference's rotations, the newest first, make of it; the same object where nothing changes. Pure."""
    replace, held, seen = msgspec.structs.replace, known.held, known.seen
    states = {order.id: order.state for order in orders}
    # None: so long ago that nothing is known of it; then it has ended well.
    state = states.get(held.of or next(iter(states), ""))
    if held.next and state in HELD:
        return known
    if held.next:
        seen = replace(seen, next_version="", next_at=0.0, next_of="")
        if state in UNDONE:
            return replace(known, seen=seen, held=Held(refused=held.next), due_at=now)
        seen = replace(seen, version=held.next_version, fetched_at=now, changed_at=now)
        after = Held()
        if state in ("promoted", "idle"):
            after = Held(before=known.value, before_version=known.seen.version, of=held.of)
        return replace(known, value=held.next, seen=seen, serial=known.serial + 1, held=after)
    if held.before and state in UNDONE:
        seen = replace(seen, version=held.before_version, fetched_at=now, changed_at=now)
        after = Held(refused=known.value)
        return replace(known, value=held.before, seen=seen, serial=known.serial + 1, held=after, due_at=now)
    if held.before and state not in ("promoted", "idle"):
        return replace(known, held=replace(held, before="", before_version="", of=""))
    return known
