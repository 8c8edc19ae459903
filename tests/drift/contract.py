"""A vendor's hidden truth about one operation: the shape of its replies with how often what comes, and replies drawn from it.

Made for judging the detector of drift, and before it; it knows nothing of the detector. What is optional comes and goes as it does in
life: some fields nearly always, some rarely, some together, some only for certain callers, some for the length of a session.
Not for: where shapes come from (`compiled.py`, `vendors.py`), nor for who calls when (`traffic.py`).
"""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

WORDS = [
    "amber",
    "basin",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "harbor",
    "island",
    "juniper",
    "kelp",
    "lagoon",
    "meadow",
    "north",
    "orchard",
    "prairie",
    "quartz",
    "river",
    "summit",
    "timber",
    "upland",
    "valley",
    "willow",
    "yarrow",
    "zephyr",
    "anchor",
    "beacon",
    "canyon",
    "dune",
    "estuary",
]
EPOCH = datetime(2026, 10, 1, tzinfo=UTC)


@dataclass
class Context:
    """What the values of one reply depend on besides chance. `memory` lives as long as the session."""

    rng: Random
    caller: int
    at: datetime
    memory: dict[int, Any] = field(default_factory=dict)


@dataclass(eq=False)
class Node:
    """A place in a reply. `null`: how often it is null."""

    null: float = 0.0

    def draw(self, context: Context) -> Any:
        if self.null and context.rng.random() < self.null:
            return None
        return self.value(context)

    def value(self, context: Context) -> Any:
        raise AssertionError("drawn from a kind of node")

    def children(self) -> list[Node]:
        return []


@dataclass(eq=False)
class Text(Node):
    """A string. `kind`: free, id, uuid, email, url, datetime, date, httpdate, numeric, opaque."""

    kind: str = "free"
    prefix: str = ""

    def value(self, context: Context) -> str:
        rng = context.rng
        moment = context.at - timedelta(seconds=rng.randrange(10_000_000))
        match self.kind:
            case "id":
                return self.prefix + "".join(rng.choices(string.ascii_letters + string.digits, k=18))
            case "uuid":
                digits = f"{rng.getrandbits(128):032x}"
                return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
            case "email":
                return f"{rng.choice(WORDS)}.{rng.choice(WORDS)}{rng.randrange(99)}@example.com"
            case "url":
                return f"https://example.com/{rng.choice(WORDS)}/{rng.randrange(10_000)}"
            case "datetime":
                return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
            case "date":
                return moment.strftime("%Y-%m-%d")
            case "httpdate":
                return moment.strftime("%a, %d %b %Y %H:%M:%S +0000")
            case "numeric":
                return str(rng.randrange(1, 1_000_000))
            case "opaque":
                return "".join(rng.choices(string.hexdigits.lower(), k=40))
        return " ".join(rng.choices(WORDS, k=rng.randint(2, 9))).capitalize() + "."


@dataclass(eq=False)
class Choice(Node):
    """One of several strings, some more often than others. `closed`: the vendor documents them as the only ones.

    `by_caller`: callers that get only one of them.
    """

    values: list[str] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    closed: bool = True
    by_caller: dict[int, str] = field(default_factory=dict)

    def value(self, context: Context) -> str:
        only = self.by_caller.get(context.caller)
        return only if only is not None else context.rng.choices(self.values, self.weights)[0]


@dataclass(eq=False)
class Number(Node):
    """A number. `kind`: integer, float, epoch, epoch_ms, text (an integer in quotes)."""

    kind: str = "integer"
    low: int = 0
    high: int = 100_000

    def value(self, context: Context) -> Any:
        rng = context.rng
        if self.kind.startswith("epoch"):
            seconds = int(context.at.timestamp()) - rng.randrange(10_000_000)
            return seconds * 1000 if self.kind == "epoch_ms" else seconds
        if self.kind == "float":
            return round(rng.uniform(self.low, self.high), 4)
        drawn = rng.randint(self.low, self.high)
        return str(drawn) if self.kind == "text" else drawn


@dataclass(eq=False)
class Flag(Node):
    """True or false."""

    often: float = 0.5

    def value(self, context: Context) -> bool:
        return context.rng.random() < self.often


@dataclass(eq=False)
class Constant(Node):
    """Always the same value."""

    what: Any = None

    def value(self, context: Context) -> Any:
        return self.what


@dataclass(eq=False)
class Many(Node):
    """An array of `low` to `high` items."""

    item: Node = field(default_factory=Node)
    low: int = 0
    high: int = 4

    def value(self, context: Context) -> list[Any]:
        return [self.item.draw(context) for _ in range(context.rng.randint(self.low, self.high))]

    def children(self) -> list[Node]:
        return [self.item]


@dataclass(eq=False)
class Keyed(Node):
    """An object whose keys are data."""

    item: Node = field(default_factory=Node)
    keys: str = "id"
    low: int = 0
    high: int = 4

    def value(self, context: Context) -> dict[str, Any]:
        name = Text(kind=self.keys, prefix="k_")
        return {
            name.value(context): self.item.draw(context)
            for _ in range(context.rng.randint(self.low, self.high))
        }

    def children(self) -> list[Node]:
        return [self.item]


@dataclass(eq=False)
class Either(Node):
    """One of several shapes."""

    options: list[Node] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)

    def value(self, context: Context) -> Any:
        return context.rng.choices(self.options, self.weights)[0].draw(context)

    def children(self) -> list[Node]:
        return self.options


@dataclass(eq=False)
class Member:
    """A field of an object. `often`: how often it is there; `group`: fields of one group come together.

    `sticky`: within a session it is there always or never. `by_caller`: how often for certain callers.
    """

    node: Node
    often: float = 1.0
    group: int = 0
    sticky: bool = False
    by_caller: dict[int, float] = field(default_factory=dict)

    def there(self, context: Context, groups: dict[int, float]) -> bool:
        often = self.by_caller.get(context.caller, self.often)
        if often >= 1.0:
            return True
        if self.sticky and id(self) in context.memory:
            return bool(context.memory[id(self)])
        drawn = groups.setdefault(self.group, context.rng.random()) if self.group else context.rng.random()
        context.memory[id(self)] = drawn < often
        return drawn < often


@dataclass(eq=False)
class Fields(Node):
    """An object with named fields."""

    members: dict[str, Member] = field(default_factory=dict)

    def value(self, context: Context) -> dict[str, Any]:
        groups: dict[int, float] = {}
        return {
            name: member.node.draw(context)
            for name, member in self.members.items()
            if member.there(context, groups)
        }

    def children(self) -> list[Node]:
        return [member.node for member in self.members.values()]


@dataclass(eq=False)
class Event:
    """A kind of event in a stream: how many of them come. `named`: with an `event:` line."""

    name: str
    node: Node
    low: int = 1
    high: int = 1
    named: bool = True


@dataclass(eq=False)
class Contract:
    """One operation of a vendor. `errors`: (status, shape, how often). `stream`: events in their order instead of a body."""

    vendor: str
    name: str
    method: str
    path: str
    reply: Node
    status: int = 200
    request: Node | None = None
    errors: list[tuple[int, Node, float]] = field(default_factory=list)
    stream: list[Event] = field(default_factory=list)
    refuses: tuple[float, int, Node] | None = None
    """How often a request as callers make it is refused, with what."""

    @property
    def label(self) -> str:
        return f"{self.vendor} {self.name}"
